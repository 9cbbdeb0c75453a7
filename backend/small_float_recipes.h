// The sequences of runtime/small_float.cpp as recipes (recipe.h).
#pragma once
#include <string_view>

namespace tenon::backend {

/// From f32 to the bits of the type, and back.
struct SmallFloatRecipe {
  std::string_view narrow, widen;
};

inline constexpr SmallFloatRecipe kF16 = {
    "%bits = bitcast float $a to i32\n"
    "%magnitude = and i32 %bits, 2147483647\n"
    "%shifted = lshr i32 %magnitude, 13\n"
    "%last = and i32 %shifted, 1\n"
    "%based = add i32 %magnitude, -939520001\n"  // 0xfff - (112 << 23)
    "%rounded = add i32 %based, %last\n"
    "%normal = lshr i32 %rounded, 13\n"
    "%positive = bitcast i32 %magnitude to float\n"
    "%aligned = fadd float %positive, 0.5\n"
    "%alignedbits = bitcast float %aligned to i32\n"
    "%subnormal = sub i32 %alignedbits, 1056964608\n"   // the bits of 0.5
    "%tiny = icmp ult i32 %magnitude, 947912704\n"      // of 2^-14
    "%finite = select i1 %tiny, i32 %subnormal, i32 %normal\n"
    "%large = icmp uge i32 %magnitude, 1199566848\n"    // of 65520
    "%number = select i1 %large, i32 31744, i32 %finite\n"
    "%nan = icmp ugt i32 %magnitude, 2139095040\n"      // of infinity
    "%unsigned = select i1 %nan, i32 32256, i32 %number\n"
    "%half = lshr i32 %bits, 16\n"
    "%sign = and i32 %half, 32768\n"
    "%all = or i32 %unsigned, %sign\n"
    "%r = trunc i32 %all to i16",
    "%bits = zext i16 $a to i32\n"
    "%magnitude = and i32 %bits, 32767\n"
    "%shifted = shl i32 %magnitude, 13\n"
    "%biased = bitcast i32 %shifted to float\n"
    "%scaled = fmul float %biased, 0x46F0000000000000\n"  // 2^112
    "%finite = bitcast float %scaled to i32\n"
    "%special = or i32 %finite, 2139095040\n"
    "%top = icmp uge i32 %magnitude, 31744\n"
    "%unsigned = select i1 %top, i32 %special, i32 %finite\n"
    "%half = and i32 %bits, 32768\n"
    "%sign = shl i32 %half, 16\n"
    "%all = or i32 %unsigned, %sign\n"
    "%r = bitcast i32 %all to float"};

inline constexpr SmallFloatRecipe kBf16 = {
    "%bits = bitcast float $a to i32\n"
    "%shifted = lshr i32 %bits, 16\n"
    "%last = and i32 %shifted, 1\n"
    "%based = add i32 %bits, 32767\n"
    "%rounded = add i32 %based, %last\n"
    "%number = lshr i32 %rounded, 16\n"
    "%nan = fcmp uno float $a, $a\n"
    "%all = select i1 %nan, i32 32704, i32 %number\n"
    "%r = trunc i32 %all to i16",
    "%bits = zext i16 $a to i32\n"
    "%all = shl i32 %bits, 16\n"
    "%r = bitcast i32 %all to float"};

/// f64 to f32, rounded to odd.
inline constexpr std::string_view kToOdd =
    "%nearest = fptrunc double $a to float\n"
    "%back = fpext float %nearest to double\n"
    "%size = call double @llvm.fabs.$d(double $a)\n"
    "%backsize = call double @llvm.fabs.$d(double %back)\n"
    "%above = fcmp ogt double %backsize, %size\n"
    "%less = zext i1 %above to i32\n"
    "%inexact = fcmp one double %back, $a\n"
    "%odd = zext i1 %inexact to i32\n"
    "%bits = bitcast float %nearest to i32\n"
    "%lower = sub i32 %bits, %less\n"
    "%all = or i32 %lower, %odd\n"
    "%r = bitcast i32 %all to float";

/// a + b in f64, rounded to odd.
inline constexpr std::string_view kSumToOdd =
    "%sum = fadd double $a, $b\n"
    "%part = fsub double %sum, $a\n"
    "%rest = fsub double %sum, %part\n"
    "%errora = fsub double $a, %rest\n"
    "%errorb = fsub double $b, %part\n"
    "%error = fadd double %errora, %errorb\n"
    "%inexact = fcmp one double %error, 0.0\n"
    "%bits = bitcast double %sum to i64\n"
    "%last = trunc i64 %bits to i1\n"
    "%even = xor i1 %last, true\n"
    "%moves = and i1 %inexact, %even\n"
    "%more = fcmp ogt double %error, 0.0\n"
    "%positive = fcmp ogt double %sum, 0.0\n"
    "%inward = xor i1 %more, %positive\n"
    "%step = select i1 %inward, i64 -1, i64 1\n"
    "%by = select i1 %moves, i64 %step, i64 0\n"
    "%moved = add i64 %bits, %by\n"
    "%r = bitcast i64 %moved to double";

}  // namespace tenon::backend
