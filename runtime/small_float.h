// The floats of 16 bits. f16 is IEEE 754 binary16; bf16 is the upper half of an f32. Nothing is
// computed in them: operands are exact in f32, and what f32 gives is rounded once, to the nearest,
// ties to even. The sequences here are ours, not the machine's conversions, so that every engine
// gives the same bits; backend/small_float_recipes.h has them as LLVM text.
//
// Rounding to f32 first and then again would be wrong where the first rounding makes a tie for the
// second. Rounding to odd first is not: the last bit remembers that there was more (S. Boldo,
// G. Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to
// odd", IEEE Transactions on Computers 57, 2008). f32 has the spare bits that this takes, among the
// subnormal numbers too.
#pragma once
#include <cstdint>

namespace tenon::runtime {

/// `value`, or, where f32 lacks it, that one of its two neighbors whose last bit is 1.
float to_odd(double value);
/// a + b, rounded to odd.
double sum_to_odd(double a, double b);

enum class SmallFormat : uint8_t { f16, bf16 };

template <SmallFormat format>
class SmallFloat {
 public:
  SmallFloat() = default;
  explicit SmallFloat(float value);
  explicit SmallFloat(double value) : SmallFloat(to_odd(value)) {}
  /// The halves of the integer are exact, their sum is not.
  explicit SmallFloat(int64_t value)
      : SmallFloat(sum_to_odd(static_cast<double>(value & ~int64_t{0xffffffff}),
                              static_cast<double>(value & int64_t{0xffffffff}))) {}
  static SmallFloat from_bits(uint16_t bits) {
    SmallFloat result;
    result.bits_ = bits;
    return result;
  }

  uint16_t bits() const { return bits_; }
  explicit operator float() const;  ///< exact
  explicit operator double() const { return static_cast<float>(*this); }

 private:
  uint16_t bits_ = 0;
};

using Half = SmallFloat<SmallFormat::f16>;
using BFloat = SmallFloat<SmallFormat::bf16>;

template <> Half::SmallFloat(float value);
template <> Half::operator float() const;
template <> BFloat::SmallFloat(float value);
template <> BFloat::operator float() const;

}  // namespace tenon::runtime
