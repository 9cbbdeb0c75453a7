;@ -passes=shifts,verify
;@ program tenon_plugin
;@ title times 1, and by 1, is the number itself
define i64 @one(i64 %x) {
  %a = mul i64 %x, 1
  %b = udiv i64 %a, 1
  %c = mul i64 1, %b
  %d = add i64 %c, 5
  ret i64 %d
}
