;@ -passes=shifts,verify
;@ program tenon_plugin
;@ title an unsigned quotient becomes a shift, a signed one stays
define i64 @unsigned(i64 %x) {
  %r = udiv i64 %x, 32
  ret i64 %r
}

define i64 @signed(i64 %x) {
  %r = sdiv i64 %x, 32
  ret i64 %r
}

define i64 @highest(i64 %x) {
  %r = udiv i64 %x, -9223372036854775808
  ret i64 %r
}
