;@ -passes=shifts,verify
;@ program tenon_plugin
;@ title and nothing more, also where the shift reaches the sign
define i64 @neither(i64 %x) {
  %r = mul i64 %x, -9223372036854775808
  ret i64 %r
}

define i64 @signed(i64 %x) {
  %r = mul nsw i64 %x, -9223372036854775808
  ret i64 %r
}

define i8 @both(i8 %x) {
  %r = mul nuw nsw i8 %x, -128
  ret i8 %r
}

define i8 @below(i8 %x) {
  %r = mul nsw i8 %x, 64
  ret i8 %r
}
