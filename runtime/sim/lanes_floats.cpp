// f32 and f64 arithmetic: IEEE 754, in the rounding mode that the instruction names. What PTX calls
// approximate is computed in f64 and rounded to f32, so it is as close as it can be, closer than
// cards.
#include "runtime/sim/lanes_loops.h"

namespace tenon::runtime::sim {
namespace {

/// As each(), with subnormal operands and results flushed to zero (.ftz) and results in [0, 1]
/// (.sat) where the instruction asks for it.
template <auto F, class... S>
Flow each_modified(Warp& warp, const Inst& inst, uint32_t mask) {
  const uint32_t at[] = {inst.a, inst.b, inst.c};
  float made[kLanes];
  const bool ftz = inst.mod.ftz, sat = inst.mod.sat;
  [&]<size_t... I>(std::index_sequence<I...>) {
    const auto read = [&](uint32_t place, uint32_t lane) {
      const float value = warp.lanes<float>(place)[lane];
      return ftz ? flushed(value) : value;
    };
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      float value = F(static_cast<S>(read(at[I], lane))...);
      if (ftz) value = flushed(value);
      made[lane] = sat ? saturated(value) : value;
    }
  }
  (std::index_sequence_for<S...>{});
  blend(warp.lanes<float>(inst.d), made, mask);
  return Flow::next;
}

/// The executor of a function of f32: the plain one, or the one that heeds modifiers.
template <auto F, class... S>
Exec single(const Modifiers& mod) {
  const bool plain = !mod.ftz && !mod.sat;
  constexpr Exec kPlain = each<F, float, S...>, kModified = each_modified<F, S...>;
  if (mod.rounding <= static_cast<uint8_t>(Rounding::nearest)) return plain ? kPlain : kModified;
  return plain ? rounded<kPlain> : rounded<kModified>;
}
template <auto F, class... S>
Exec twice(const Modifiers& mod) {
  constexpr Exec kPlain = each<F, double, S...>;
  return mod.rounding <= static_cast<uint8_t>(Rounding::nearest) ? kPlain : rounded<kPlain>;
}

// The fractions are exact in f64 but for their last bit.
float root_inverse(float a) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(a)));
}
float sine(float a) {
  return static_cast<float>(std::sin(static_cast<double>(a)));
}
float cosine(float a) {
  return static_cast<float>(std::cos(static_cast<double>(a)));
}
float logarithm(float a) {
  return static_cast<float>(std::log2(static_cast<double>(a)));
}
float power(float a) {
  return static_cast<float>(std::exp2(static_cast<double>(a)));
}
float tangent(float a) {
  return static_cast<float>(std::tanh(static_cast<double>(a)));
}

Exec of_f32(Op op, const Modifiers& mod) {
  using F = float;
  switch (op) {
    case Op::add: return single<[](F a, F b) { return a + b; }, F, F>(mod);
    case Op::sub: return single<[](F a, F b) { return a - b; }, F, F>(mod);
    case Op::mul: return single<[](F a, F b) { return a * b; }, F, F>(mod);
    case Op::mad:
    case Op::fma: return single<[](F a, F b, F c) { return std::fma(a, b, c); }, F, F, F>(mod);
    case Op::div: return single<[](F a, F b) { return a / b; }, F, F>(mod);
    case Op::rcp: return single<[](F a) { return 1.0f / a; }, F>(mod);
    case Op::sqrt: return single<[](F a) { return std::sqrt(a); }, F>(mod);
    case Op::rsqrt: return single<root_inverse, F>(mod);
    case Op::sin: return single<sine, F>(mod);
    case Op::cos: return single<cosine, F>(mod);
    case Op::lg2: return single<logarithm, F>(mod);
    case Op::ex2: return single<power, F>(mod);
    case Op::tanh: return single<tangent, F>(mod);
    case Op::abs: return single<[](F a) { return std::fabs(a); }, F>(mod);
    case Op::neg: return single<[](F a) { return -a; }, F>(mod);
    case Op::min:
      return mod.nan ? single<minimum_or_nan<F>, F, F>(mod) : single<minimum<F>, F, F>(mod);
    case Op::max:
      return mod.nan ? single<maximum_or_nan<F>, F, F>(mod) : single<maximum<F>, F, F>(mod);
    case Op::copysign: return single<[](F a, F b) { return std::copysign(b, a); }, F, F>(mod);
    default: return nullptr;
  }
}

Exec of_f64(Op op, const Modifiers& mod) {
  using F = double;
  switch (op) {
    case Op::add: return twice<[](F a, F b) { return a + b; }, F, F>(mod);
    case Op::sub: return twice<[](F a, F b) { return a - b; }, F, F>(mod);
    case Op::mul: return twice<[](F a, F b) { return a * b; }, F, F>(mod);
    case Op::mad:
    case Op::fma: return twice<[](F a, F b, F c) { return std::fma(a, b, c); }, F, F, F>(mod);
    case Op::div: return twice<[](F a, F b) { return a / b; }, F, F>(mod);
    case Op::rcp: return twice<[](F a) { return 1.0 / a; }, F>(mod);
    case Op::sqrt: return twice<[](F a) { return std::sqrt(a); }, F>(mod);
    case Op::rsqrt: return twice<[](F a) { return 1.0 / std::sqrt(a); }, F>(mod);
    case Op::abs: return twice<[](F a) { return std::fabs(a); }, F>(mod);
    case Op::neg: return twice<[](F a) { return -a; }, F>(mod);
    case Op::min: return twice<minimum<F>, F, F>(mod);
    case Op::max: return twice<maximum<F>, F, F>(mod);
    case Op::copysign: return twice<[](F a, F b) { return std::copysign(b, a); }, F, F>(mod);
    default: return nullptr;
  }
}

Exec floats(Op op, Type type, const Modifiers& mod) {
  return type == Type::f32 ? of_f32(op, mod) : type == Type::f64 ? of_f64(op, mod) : nullptr;
}

}  // namespace

namespace TENON_LANES {
extern Exec (*const kFloats)(Op, Type, const Modifiers&);
Exec (*const kFloats)(Op, Type, const Modifiers&) = floats;
}  // namespace TENON_LANES

}  // namespace tenon::runtime::sim
