; Is x + 1 greater than x?
define i1 @wraps(i64 %x) {
  %next = add i64 %x, 1
  %greater = icmp sgt i64 %next, %x
  ret i1 %greater
}

define i1 @promised(i64 %x) {
  %next = add nsw i64 %x, 1
  %greater = icmp sgt i64 %next, %x
  ret i1 %greater
}
