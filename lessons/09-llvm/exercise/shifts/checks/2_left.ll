;@ -passes=shifts,verify
;@ program tenon_plugin
;@ title the constant may stand on the left, but not of a quotient
define i64 @product(i64 %x) {
  %r = mul i64 16, %x
  ret i64 %r
}

define i64 @quotient(i64 %x) {
  %r = udiv i64 16, %x
  ret i64 %r
}
