;@ -passes=shifts,verify
;@ program tenon_plugin
;@ title what was promised of a product or quotient is promised of the shift
define i64 @both(i64 %x) {
  %r = mul nuw nsw i64 %x, 8
  ret i64 %r
}

define i64 @signed(i64 %x) {
  %r = mul nsw i64 %x, 8
  ret i64 %r
}

define i64 @unsigned(i64 %x) {
  %r = mul nuw i64 %x, 8
  ret i64 %r
}

define i64 @exact(i64 %x) {
  %a = udiv exact i64 %x, 8
  %b = udiv i64 %a, 8
  ret i64 %b
}
