// Conversions: a lane's value is read in its type into the widest of its kind, converted, and
// written.
#include "runtime/sim/lanes_loops.h"

namespace tenon::runtime::sim {
namespace {

/// Calls `use` with the lanes of a register of 16, 32 or 64 bits.
template <class Use>
inline void with_register(Warp& warp, uint32_t at, uint8_t width, Use use) {
  if (width == 64)
    use(warp.lanes<uint64_t>(at));
  else if (width == 32)
    use(warp.lanes<uint32_t>(at));
  else
    use(warp.lanes<uint16_t>(at));
}

/// Reads T from registers that may be wider.
template <class T>
inline void read_lanes(Warp& warp, const Inst& inst, T* to) {
  with_register(warp, inst.a, inst.width_a, [&](auto* from) {
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      if constexpr (sizeof *from < sizeof(T))
        to[lane] = static_cast<T>(from[lane]);
      else if constexpr (std::is_integral_v<T>)
        to[lane] = static_cast<T>(from[lane]);
      else
        std::memcpy(&to[lane], &from[lane], sizeof(T));
    }
  });
}
/// Writes integers to registers that may be wider, extended by their sign.
template <class T>
inline void write_lanes(Warp& warp, const Inst& inst, const T* from, uint32_t mask) {
  with_register(warp, inst.d, inst.width, [&](auto* to) {
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      using R = std::remove_reference_t<decltype(*to)>;
      to[lane] = mask >> lane & 1 ? static_cast<R>(from[lane]) : to[lane];
    }
  });
}

// Sources: integers as 64 bits with or without sign, floats as f64 (which holds all others).
template <class T>
struct Source {
  using wide = std::conditional_t<std::is_floating_point_v<T>, double,
                                  std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;
  static void read(Warp& warp, const Inst& inst, wide* to) {
    T values[kLanes];
    read_lanes(warp, inst, values);
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      if constexpr (std::is_same_v<T, float>)
        to[lane] = inst.mod.ftz ? flushed(values[lane]) : values[lane];
      else
        to[lane] = values[lane];
    }
  }
};
template <class H>
struct HalfSource {
  using wide = double;
  static void read(Warp& warp, const Inst& inst, wide* to) {
    uint16_t values[kLanes];
    read_lanes(warp, inst, values);
    for (uint32_t lane = 0; lane < kLanes; ++lane) to[lane] = H::read(values[lane]);
  }
};

inline double to_integral(double value, Rounding rounding) {
  switch (rounding) {
    case Rounding::nearest_int: return std::nearbyint(value);
    case Rounding::down_int: return std::floor(value);
    case Rounding::up_int: return std::ceil(value);
    case Rounding::zero_int: return std::trunc(value);
    default: return value;
  }
}

/// f64 to f32 so that rounding again to a narrow type is rounding once.
inline float narrowed_to_odd(double value) {
  const float near = static_cast<float>(value);
  if (static_cast<double>(near) == value || value != value || std::isinf(near)) return near;
  const uint32_t all = as<uint32_t>(near);
  if (all & 1) return near;
  return as<float>(std::fabs(static_cast<double>(near)) < std::fabs(value) ? all + 1 : all - 1);
}

// Targets: what is made of the widest of a kind.
template <class T>
struct Target {
  template <class W>
  static void write(Warp& warp, const Inst& inst, const W* from, uint32_t mask) {
    T made[kLanes];
    for (uint32_t lane = 0; lane < kLanes; ++lane) made[lane] = convert(from[lane], inst);
    if constexpr (std::is_integral_v<T>)
      write_lanes(warp, inst, made, mask);
    else
      blend(warp.lanes<T>(inst.d), made, mask);
  }
  template <class W>
  static T convert(W value, const Inst& inst) {
    constexpr T kLeast = std::numeric_limits<T>::lowest(), kMost = std::numeric_limits<T>::max();
    if constexpr (std::is_floating_point_v<T>) {
      if constexpr (std::is_floating_point_v<W>)
        value = to_integral(value, static_cast<Rounding>(inst.mod.rounding));
      T result = static_cast<T>(value);
      if (inst.mod.ftz && sizeof(T) == 4)
        result = static_cast<T>(flushed(static_cast<float>(result)));
      return inst.mod.sat ? saturated(result) : result;
    } else if constexpr (std::is_floating_point_v<W>) {
      // Out of range saturates; no number becomes 0, or, where 64 bits are involved, the sign bit
      // alone.
      if (value != value) {
        return sizeof(T) == 8 || inst.from == Type::f64
                   ? static_cast<T>(T{1} << (8 * sizeof(T) - 1))
                   : T{0};
      }
      const double whole = to_integral(value, static_cast<Rounding>(inst.mod.rounding));
      if (whole <= static_cast<double>(kLeast)) return kLeast;
      return whole >= static_cast<double>(kMost) ? kMost : static_cast<T>(whole);
    } else {
      if (!inst.mod.sat) return static_cast<T>(value);
      if (std::is_signed_v<W> && std::is_signed_v<T>) {
        return static_cast<int64_t>(value) < static_cast<int64_t>(kLeast)  ? kLeast
               : static_cast<int64_t>(value) > static_cast<int64_t>(kMost) ? kMost
                                                                           : static_cast<T>(value);
      }
      if (std::is_signed_v<W> && static_cast<int64_t>(value) < 0) return T{0};
      return static_cast<uint64_t>(value) > static_cast<uint64_t>(kMost) ? kMost
                                                                         : static_cast<T>(value);
    }
  }
};
template <class H>
struct HalfTarget {
  template <class W>
  static void write(Warp& warp, const Inst& inst, const W* from, uint32_t mask) {
    uint16_t made[kLanes];
    for (uint32_t lane = 0; lane < kLanes; ++lane) made[lane] = convert(from[lane], inst);
    write_lanes(warp, inst, made, mask);
  }
  template <class W>
  static uint16_t convert(W wide, const Inst& inst) {
    double value;
    if constexpr (std::is_floating_point_v<W>)
      value = to_integral(wide, static_cast<Rounding>(inst.mod.rounding));
    else
      value = to_odd_from_integer(wide);
    float single = narrowed_to_odd(value);
    if (inst.mod.sat) single = saturated(single);
    if (inst.mod.relu && !(single > 0) && single == single) single = 0;
    if (static_cast<Rounding>(inst.mod.rounding) == Rounding::zero) return toward_zero(single);
    return H::write(single);
  }
  /// 64 bits do not fit in f64; what is lost shows in the last bit.
  template <class W>
  static double to_odd_from_integer(W value) {
    const W high = static_cast<W>(value & ~W{0x7ff}), low = static_cast<W>(value & W{0x7ff});
    const auto whole = static_cast<double>(value);
    if (low == 0 || std::fabs(whole) < 0x1p52) return whole;
    return as<double>(as<uint64_t>(static_cast<double>(high)) | 1);
  }
  static uint16_t toward_zero(float value) {
    const uint16_t near = H::write(value);
    return std::fabs(H::read(near)) > std::fabs(value) ? static_cast<uint16_t>(near - 1) : near;
  }
};

template <class To, class From>
Flow convert_lanes(Warp& warp, const Inst& inst, uint32_t mask) {
  typename From::wide values[kLanes];
  From::read(warp, inst, values);
  To::write(warp, inst, values, mask);
  return Flow::next;
}

/// cvt.rn.bf16x2.f32 d, a, b: a becomes the upper half.
template <class H>
Flow convert_pair(Warp& warp, const Inst& inst, uint32_t mask) {
  const float* a = warp.lanes<float>(inst.a);
  const float* b = warp.lanes<float>(inst.b);
  uint32_t made[kLanes];
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    made[lane] = HalfTarget<H>::convert(double{b[lane]}, inst) |
                 uint32_t{HalfTarget<H>::convert(double{a[lane]}, inst)} << 16;
  }
  blend(warp.lanes<uint32_t>(inst.d), made, mask);
  return Flow::next;
}

/// To 10 bits of fraction: .rna to the nearest, ties away from zero; .rn ties to even.
Flow convert_tf32(Warp& warp, const Inst& inst, uint32_t mask) {
  const uint32_t* a = warp.lanes<uint32_t>(inst.a);
  const bool away = static_cast<Rounding>(inst.mod.rounding) == Rounding::away;
  uint32_t made[kLanes];
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    const uint32_t add = away ? 0x1000u : 0xfffu + (a[lane] >> 13 & 1);
    made[lane] = (a[lane] & 0x7fffffffu) > 0x7f800000u ? 0x7fffffffu : (a[lane] + add) & ~0x1fffu;
  }
  blend(warp.lanes<uint32_t>(inst.d), made, mask);
  return Flow::next;
}

template <class From>
Exec convert_from(Type to, const Modifiers& mod) {
  const bool directed = mod.rounding >= static_cast<uint8_t>(Rounding::zero) &&
                        mod.rounding <= static_cast<uint8_t>(Rounding::up);
  const auto pick = [&]<class To>(To) -> Exec {
    return directed ? rounded<convert_lanes<To, From>> : convert_lanes<To, From>;
  };
  switch (to) {
    case Type::u8:
    case Type::b8: return convert_lanes<Target<uint8_t>, From>;
    case Type::s8: return convert_lanes<Target<int8_t>, From>;
    case Type::u16:
    case Type::b16: return convert_lanes<Target<uint16_t>, From>;
    case Type::s16: return convert_lanes<Target<int16_t>, From>;
    case Type::u32:
    case Type::b32: return convert_lanes<Target<uint32_t>, From>;
    case Type::s32: return convert_lanes<Target<int32_t>, From>;
    case Type::u64:
    case Type::b64: return convert_lanes<Target<uint64_t>, From>;
    case Type::s64: return convert_lanes<Target<int64_t>, From>;
    case Type::f16: return convert_lanes<HalfTarget<F16>, From>;
    case Type::bf16: return convert_lanes<HalfTarget<BF16>, From>;
    case Type::f32: return pick(Target<float>{});
    case Type::f64: return pick(Target<double>{});
    default: return nullptr;
  }
}

Exec convert(Type to, Type from, const Modifiers& mod) {
  if (to == Type::f16x2 && from == Type::f32) return convert_pair<F16>;
  if (to == Type::bf16x2 && from == Type::f32) return convert_pair<BF16>;
  if (to == Type::tf32 && from == Type::f32) return convert_tf32;
  if (mod.rounding == 0 && !mod.sat && !mod.ftz) {  // what subscripts need, without a detour
    if (to == Type::u64 && from == Type::u32)
      return each<[](uint32_t a) { return a; }, uint64_t, uint32_t>;
    if (to == Type::s64 && from == Type::s32)
      return each<[](int32_t a) { return a; }, int64_t, int32_t>;
  }
  switch (from) {
    case Type::u8:
    case Type::b8: return convert_from<Source<uint8_t>>(to, mod);
    case Type::s8: return convert_from<Source<int8_t>>(to, mod);
    case Type::u16:
    case Type::b16: return convert_from<Source<uint16_t>>(to, mod);
    case Type::s16: return convert_from<Source<int16_t>>(to, mod);
    case Type::u32:
    case Type::b32: return convert_from<Source<uint32_t>>(to, mod);
    case Type::s32: return convert_from<Source<int32_t>>(to, mod);
    case Type::u64:
    case Type::b64: return convert_from<Source<uint64_t>>(to, mod);
    case Type::s64: return convert_from<Source<int64_t>>(to, mod);
    case Type::f16: return convert_from<HalfSource<F16>>(to, mod);
    case Type::bf16: return convert_from<HalfSource<BF16>>(to, mod);
    case Type::f32: return convert_from<Source<float>>(to, mod);
    case Type::f64: return convert_from<Source<double>>(to, mod);
    default: return nullptr;
  }
}

}  // namespace

namespace TENON_LANES {
extern Exec (*const kConvert)(Type, Type, const Modifiers&);
Exec (*const kConvert)(Type, Type, const Modifiers&) = convert;
}  // namespace TENON_LANES

}  // namespace tenon::runtime::sim
