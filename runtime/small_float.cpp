#include "runtime/small_float.h"

#include <bit>
#include <cmath>

namespace tenon::runtime {
namespace {

constexpr uint32_t kMagnitude = 0x7fffffff;  ///< of the bits of an f32: all but the sign
constexpr uint32_t kInfinity = 0x7f800000;

uint32_t as_bits(float value) {
  return std::bit_cast<uint32_t>(value);
}
float as_float(uint32_t bits) {
  return std::bit_cast<float>(bits);
}

}  // namespace

float to_odd(double value) {
  const float nearest = static_cast<float>(value);
  uint32_t result = as_bits(nearest);
  if (std::fabs(static_cast<double>(nearest)) > std::fabs(value)) --result;
  if (static_cast<double>(nearest) != value) result |= 1;
  return as_float(result);
}

double sum_to_odd(double a, double b) {
  // What the addition loses, exactly: D. Knuth, The Art of Computer Programming 2, section 4.2.2.
  // It is NaN where the sum is not finite, and then nothing is to be done.
  const double sum = a + b, part = sum - a;
  const double error = (a - (sum - part)) + (b - part);
  const uint64_t result = std::bit_cast<uint64_t>(sum);
  if (!(error < 0 || error > 0) || (result & 1) == 1) return sum;
  return std::bit_cast<double>((error > 0) == (sum > 0) ? result + 1 : result - 1);
}

template <>
Half::SmallFloat(float value) {
  const uint32_t magnitude = as_bits(value) & kMagnitude, sign = as_bits(value) >> 16 & 0x8000;
  uint32_t result;
  if (magnitude > kInfinity) {
    result = 0x7e00;
  } else if (magnitude >= as_bits(65520.0f)) {  // halfway to what would be the next number
    result = 0x7c00;
  } else if (magnitude < as_bits(0x1p-14f)) {
    // Subnormal. The last bit of 0.5 in f32 weighs 2^-24, as that of a subnormal f16: adding 0.5
    // rounds there, and leaves the result in the sum's fraction.
    result = as_bits(as_float(magnitude) + 0.5f) - as_bits(0.5f);
  } else {
    // The exponent's bias goes from 127 to 15; a carry out of the fraction is one for the exponent.
    const uint32_t last = magnitude >> 13 & 1;
    result = (magnitude - (112u << 23) + 0xfff + last) >> 13;
  }
  bits_ = static_cast<uint16_t>(result | sign);
}

/// As an f32 whose exponent has the bias of f16, then scaled: exact, for subnormal numbers too.
template <>
Half::operator float() const {
  const uint32_t magnitude = bits_ & 0x7fff, sign = (bits_ & 0x8000u) << 16;
  const uint32_t scaled = as_bits(as_float(magnitude << 13) * 0x1p112f);
  return as_float((magnitude >= 0x7c00 ? scaled | kInfinity : scaled) | sign);
}

template <>
BFloat::SmallFloat(float value) {
  const uint32_t last = as_bits(value) >> 16 & 1;
  const uint32_t rounded = (as_bits(value) + 0x7fff + last) >> 16;
  bits_ = static_cast<uint16_t>(std::isnan(value) ? 0x7fc0 : rounded);
}

template <>
BFloat::operator float() const {
  return as_float(static_cast<uint32_t>(bits_) << 16);
}

}  // namespace tenon::runtime
