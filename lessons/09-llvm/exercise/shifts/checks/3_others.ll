;@ -passes=shifts,verify
;@ program tenon_plugin
;@ title other factors and operations stay
define i64 @factors(i64 %x, i64 %y) {
  %a = mul i64 %x, 6
  %b = mul i64 %a, -8
  %c = mul i64 %b, 0
  %d = mul i64 %c, %y
  ret i64 %d
}

define i64 @operations(i64 %x) {
  %a = add i64 %x, 8
  %b = sub i64 %a, 4
  %c = and i64 %b, 2
  %d = shl i64 %c, 4
  %e = urem i64 %d, 10
  ret i64 %e
}
