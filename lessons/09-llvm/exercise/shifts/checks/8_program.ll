;@ -passes=shifts,verify
;@ program tenon_plugin
;@ title in loops and branches, what uses the product uses the shift
define i64 @walk(i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %again ]
  %sum = phi i64 [ 0, %entry ], [ %more, %again ]
  %at = mul nuw nsw i64 %i, 4
  %big = icmp ugt i64 %at, 100
  br i1 %big, label %fold, label %again
fold:
  %part = udiv i64 %at, 16
  br label %again
again:
  %step = phi i64 [ %at, %loop ], [ %part, %fold ]
  %more = add i64 %sum, %step
  %next = add nuw nsw i64 %i, 1
  %done = icmp eq i64 %next, %n
  br i1 %done, label %end, label %loop
end:
  ret i64 %more
}
