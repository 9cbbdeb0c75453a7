// The loops of the executors. For lanes_*.cpp only, which are compiled more than once: everything
// here lies in an unnamed namespace, so that no version meets another.
#pragma once
#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "runtime/sim/lanes.h"
#include "runtime/sim/machine.h"

namespace tenon::runtime::sim {
namespace {

/// Writes the lanes of `from` that the mask names.
template <class T>
inline void blend(T* to, const T* from, uint32_t mask) {
  for (uint32_t lane = 0; lane < kLanes; ++lane)
    to[lane] = mask >> lane & 1 ? from[lane] : to[lane];
}

template <auto F, class D, class... S, size_t... I>
inline Flow each_lane(Warp& warp, const Inst& inst, uint32_t mask, std::index_sequence<I...>) {
  const uint32_t at[] = {inst.a, inst.b, inst.c};
  D* const to = reinterpret_cast<D*>(warp.frame + inst.d);
  if (mask == ~0u) {
#pragma GCC ivdep
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      to[lane] = static_cast<D>(F(reinterpret_cast<const S*>(warp.frame + at[I])[lane]...));
    }
  } else {
    D made[kLanes];
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      made[lane] = static_cast<D>(F(reinterpret_cast<const S*>(warp.frame + at[I])[lane]...));
    }
    blend(to, made, mask);
  }
  return Flow::next;
}

/// The executor that computes F of the operands a, b, c, of types S, into d, of type D.
template <auto F, class D, class... S>
Flow each(Warp& warp, const Inst& inst, uint32_t mask) {
  return each_lane<F, D, S...>(warp, inst, mask, std::index_sequence_for<S...>{});
}

/// As `inner`, in the rounding mode of the instruction.
template <Exec inner>
Flow rounded(Warp& warp, const Inst& inst, uint32_t mask) {
  constexpr int kModes[] = {FE_TONEAREST, FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
  std::fesetround(kModes[inst.mod.rounding]);
  const Flow flow = inner(warp, inst, mask);
  std::fesetround(FE_TONEAREST);
  return flow;
}

template <class To, class From>
inline To as(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

// ---- f16 and bf16, in f32

struct F16 {
  static float read(uint16_t half) {
    // The exponent of a half that is moved into place is 112 too small; multiplying is exact, also
    // for subnormal ones.
    const uint32_t magnitude = (half & 0x7fffu) << 13;
    uint32_t value = as<uint32_t>(as<float>(magnitude) * 0x1p112f);
    value = magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : value;
    return as<float>(value | (half & 0x8000u) << 16);
  }
  static uint16_t write(float value) {
    const uint32_t all = as<uint32_t>(value), magnitude = all & 0x7fffffffu;
    // Adding 0.5 leaves a subnormal half's bits at the end, rounded to nearest even.
    const uint32_t small = as<uint32_t>(as<float>(magnitude) + 0.5f) - 0x3f000000u;
    const uint32_t normal = (magnitude + 0xc8000fffu + (magnitude >> 13 & 1)) >> 13;
    uint32_t half = magnitude < 0x38800000u ? small : normal;
    half = magnitude >= 0x477ff000u ? 0x7c00u : half;
    half = magnitude > 0x7f800000u ? 0x7fffu : half;
    return static_cast<uint16_t>(half | (magnitude > 0x7f800000u ? 0 : all >> 16 & 0x8000u));
  }
};
struct BF16 {
  static float read(uint16_t half) { return as<float>(uint32_t{half} << 16); }
  static uint16_t write(float value) {
    const uint32_t all = as<uint32_t>(value);
    const uint32_t half = (all + 0x7fffu + (all >> 16 & 1)) >> 16;
    return static_cast<uint16_t>((all & 0x7fffffffu) > 0x7f800000u ? 0x7fffu : half);
  }
};

/// a * b + c so rounded that rounding it again to a narrow type is rounding once: the product is
/// exact, and what the sum loses shows in its last bit ("round to odd": Boldo and Melquiond, 2008).
inline float fma_to_odd(float a, float b, float c) {
  const float product = a * b, sum = product + c;
  const float part = sum - product;
  const float lost = (product - (sum - part)) + (c - part);
  const uint32_t all = as<uint32_t>(sum);
  const bool inexact = lost != 0 && (all & 1) == 0 && (all & 0x7f800000u) != 0x7f800000u;
  const uint32_t toward = (lost > 0) == (sum > 0) ? all + 1 : all - 1;
  return as<float>(inexact ? toward : all);
}

inline float flushed(float value) {
  return std::fabs(value) < 0x1p-126f ? as<float>(as<uint32_t>(value) & 0x80000000u) : value;
}
template <class T>
inline T saturated(T value) {
  return value > T{1} ? T{1} : value > T{0} ? value : T{0};  // also of a NaN
}

template <class T>
inline T minimum(T a, T b) {
  if (a != a) return b;
  if (b != b) return a;
  return a < b || (a == b && std::signbit(a)) ? a : b;
}
template <class T>
inline T maximum(T a, T b) {
  if (a != a) return b;
  if (b != b) return a;
  return a > b || (a == b && !std::signbit(a)) ? a : b;
}
template <class T>
inline T minimum_or_nan(T a, T b) {
  return a != a || b != b ? std::numeric_limits<T>::quiet_NaN() : minimum(a, b);
}
template <class T>
inline T maximum_or_nan(T a, T b) {
  return a != a || b != b ? std::numeric_limits<T>::quiet_NaN() : maximum(a, b);
}

}  // namespace
}  // namespace tenon::runtime::sim
