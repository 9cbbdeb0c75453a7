;@ -passes=shifts,verify
;@ program tenon_plugin
;@ title a product with a power of two becomes a shift
define i64 @times_eight(i64 %x) {
  %r = mul i64 %x, 8
  ret i64 %r
}

define i8 @times_two(i8 %x) {
  %r = mul i8 %x, 2
  ret i8 %r
}

define i32 @of_a_product(i32 %x) {
  %a = mul i32 %x, 1024
  %b = mul i32 %a, %a
  %c = mul i32 %b, 4
  ret i32 %c
}
