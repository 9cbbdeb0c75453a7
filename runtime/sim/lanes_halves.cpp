// f16 and bf16 arithmetic, one number or two in a register. Computed in f32 and rounded once: f32
// has more than twice their bits, so sums, products, quotients and roots come out as if computed
// directly (Figueroa, 1995); fused products go over a sum rounded to odd.
#include "runtime/sim/lanes_loops.h"

namespace tenon::runtime::sim {
namespace {

template <class H, auto F, class... Halves>
inline uint16_t compute(const Modifiers& mod, Halves... halves) {
  float value = F(H::read(halves)...);
  if (mod.sat) value = saturated(value);
  if (mod.relu) value = value > 0 || value != value ? value : 0.0f;
  uint16_t half = H::write(value);
  if (mod.ftz && std::is_same_v<H, F16> && (half & 0x7c00) == 0) half &= 0x8000;
  return half;
}

template <class H, bool two, auto F, size_t... I>
inline Flow half_lanes(Warp& warp, const Inst& inst, uint32_t mask, std::index_sequence<I...>) {
  const uint32_t at[] = {inst.a, inst.b, inst.c};
  if constexpr (two) {
    uint32_t made[kLanes];
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      const auto low =
          compute<H, F>(inst.mod, static_cast<uint16_t>(warp.lanes<uint32_t>(at[I])[lane])...);
      const auto high = compute<H, F>(
          inst.mod, static_cast<uint16_t>(warp.lanes<uint32_t>(at[I])[lane] >> 16)...);
      made[lane] = low | uint32_t{high} << 16;
    }
    blend(warp.lanes<uint32_t>(inst.d), made, mask);
  } else {
    uint16_t made[kLanes];
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      made[lane] = compute<H, F>(inst.mod, warp.lanes<uint16_t>(at[I])[lane]...);
    }
    blend(warp.lanes<uint16_t>(inst.d), made, mask);
  }
  return Flow::next;
}

template <class H, bool two, auto F, size_t operands>
Flow halves_of(Warp& warp, const Inst& inst, uint32_t mask) {
  return half_lanes<H, two, F>(warp, inst, mask, std::make_index_sequence<operands>{});
}

template <class H, bool two>
Exec of_halves(Op op, const Modifiers& mod) {
  using F = float;
  switch (op) {
    case Op::add: return halves_of<H, two, [](F a, F b) { return a + b; }, 2>;
    case Op::sub: return halves_of<H, two, [](F a, F b) { return a - b; }, 2>;
    case Op::mul: return halves_of<H, two, [](F a, F b) { return a * b; }, 2>;
    case Op::fma: return halves_of<H, two, fma_to_odd, 3>;
    case Op::abs: return halves_of<H, two, [](F a) { return std::fabs(a); }, 1>;
    case Op::neg: return halves_of<H, two, [](F a) { return -a; }, 1>;
    case Op::min:
      if (mod.nan) return halves_of<H, two, minimum_or_nan<F>, 2>;
      return halves_of<H, two, minimum<F>, 2>;
    case Op::max:
      if (mod.nan) return halves_of<H, two, maximum_or_nan<F>, 2>;
      return halves_of<H, two, maximum<F>, 2>;
    case Op::ex2: return halves_of<H, two, [](F a) { return std::exp2(a); }, 1>;
    case Op::tanh: return halves_of<H, two, [](F a) { return std::tanh(a); }, 1>;
    default: return nullptr;
  }
}

Exec halves(Op op, Type type, const Modifiers& mod) {
  switch (type) {
    case Type::f16: return of_halves<F16, false>(op, mod);
    case Type::f16x2: return of_halves<F16, true>(op, mod);
    case Type::bf16: return of_halves<BF16, false>(op, mod);
    case Type::bf16x2: return of_halves<BF16, true>(op, mod);
    default: return nullptr;
  }
}

}  // namespace

namespace TENON_LANES {
extern Exec (*const kHalves)(Op, Type, const Modifiers&);
Exec (*const kHalves)(Op, Type, const Modifiers&) = halves;
}  // namespace TENON_LANES

}  // namespace tenon::runtime::sim
