// Comparisons: setp into predicates (a bit for each lane), set into registers.
#include "runtime/sim/lanes_loops.h"

namespace tenon::runtime::sim {
namespace {

/// The bits that a comparison gives, a lane each.
template <auto F, class T, class Read>
inline uint32_t compared(Warp& warp, const Inst& inst, Read read) {
  const T* a = warp.lanes<T>(inst.a);
  const T* b = warp.lanes<T>(inst.b);
  uint8_t each[kLanes];
  for (uint32_t lane = 0; lane < kLanes; ++lane) each[lane] = F(read(a[lane]), read(b[lane]));
  uint32_t bits = 0;
  for (int part = 0; part < 4; ++part) {  // eight bytes of 0 or 1 become eight bits
    uint64_t eight;
    std::memcpy(&eight, each + 8 * part, 8);
    bits |= static_cast<uint32_t>(eight * 0x0102040810204080u >> 56) << 8 * part;
  }
  return bits;
}

/// Writes p (at d) and, if it is wanted, q, the opposite; both joined with the predicate at c.
inline Flow write_predicates(Warp& warp, const Inst& inst, uint32_t mask, uint32_t bits) {
  uint32_t other = ~bits;
  const auto join = static_cast<Join>(inst.mod.with);
  if (join != Join::none) {
    const uint32_t c = inst.mod.negated ? ~warp.predicate(inst.c) : warp.predicate(inst.c);
    const auto joined = [&](uint32_t x) {
      return join == Join::and_ ? x & c : join == Join::or_ ? x | c : x ^ c;
    };
    bits = joined(bits);
    other = joined(other);
  }
  uint32_t& p = warp.predicate(inst.d);
  p = (p & ~mask) | (bits & mask);
  if (inst.list != kNone) {
    uint32_t& q = warp.predicate(inst.list);
    q = (q & ~mask) | (other & mask);
  }
  return Flow::next;
}

inline float plain(float value, bool ftz) {
  return ftz ? flushed(value) : value;
}
template <class T>
inline T plain(T value, bool) {
  return value;
}

template <auto F, class T>
Flow set_predicate(Warp& warp, const Inst& inst, uint32_t mask) {
  const bool ftz = inst.mod.ftz;
  return write_predicates(warp, inst, mask,
                          compared<F, T>(warp, inst, [ftz](T value) { return plain(value, ftz); }));
}
template <auto F, class H>
Flow set_predicate_half(Warp& warp, const Inst& inst, uint32_t mask) {
  return write_predicates(warp, inst, mask, compared<F, uint16_t>(warp, inst, H::read));
}
template <auto F, class T>
Flow set_register(Warp& warp, const Inst& inst, uint32_t mask) {
  const bool ftz = inst.mod.ftz;
  const uint32_t bits = compared<F, T>(warp, inst, [ftz](T value) { return plain(value, ftz); });
  const uint32_t yes = inst.from == Type::f32 ? 0x3f800000u : ~0u;
  uint32_t made[kLanes];
  for (uint32_t lane = 0; lane < kLanes; ++lane) made[lane] = bits >> lane & 1 ? yes : 0;
  blend(warp.lanes<uint32_t>(inst.d), made, mask);
  return Flow::next;
}

/// Calls `make` with the function of a comparison of T, as a template argument.
template <class T, class Make>
Exec with_comparison(Compare compare, Make make) {
  switch (compare) {
    case Compare::eq: return make.template operator()<[](T a, T b) { return a == b; }>();
    case Compare::ne:
      if constexpr (std::is_floating_point_v<T>)
        return make.template operator()<[](T a, T b) { return a < b || b < a; }>();
      return make.template operator()<[](T a, T b) { return a != b; }>();
    case Compare::lt: return make.template operator()<[](T a, T b) { return a < b; }>();
    case Compare::le: return make.template operator()<[](T a, T b) { return a <= b; }>();
    case Compare::gt: return make.template operator()<[](T a, T b) { return b < a; }>();
    case Compare::ge: return make.template operator()<[](T a, T b) { return b <= a; }>();
    default: break;
  }
  if constexpr (std::is_floating_point_v<T>) {
    switch (compare) {
      case Compare::equ:
        return make.template operator()<[](T a, T b) { return !(a < b || b < a); }>();
      case Compare::neu: return make.template operator()<[](T a, T b) { return a != b; }>();
      case Compare::ltu: return make.template operator()<[](T a, T b) { return !(b <= a); }>();
      case Compare::leu: return make.template operator()<[](T a, T b) { return !(b < a); }>();
      case Compare::gtu: return make.template operator()<[](T a, T b) { return !(a <= b); }>();
      case Compare::geu: return make.template operator()<[](T a, T b) { return !(a < b); }>();
      case Compare::num:
        return make.template operator()<[](T a, T b) { return a == a && b == b; }>();
      case Compare::nan:
        return make.template operator()<[](T a, T b) { return a != a || b != b; }>();
      default: break;
    }
  }
  return nullptr;
}

template <class T>
Exec into_predicate(Compare compare) {
  return with_comparison<T>(
      compare, []<auto F>()->Exec { return set_predicate<F, T>; });
}
template <class T>
Exec into_register(Compare compare) {
  return with_comparison<T>(
      compare, []<auto F>()->Exec { return set_register<F, T>; });
}

Exec compare(Type type, Compare how) {
  switch (type) {
    case Type::b16:
    case Type::u16: return into_predicate<uint16_t>(how);
    case Type::b32:
    case Type::u32: return into_predicate<uint32_t>(how);
    case Type::b64:
    case Type::u64: return into_predicate<uint64_t>(how);
    case Type::s16: return into_predicate<int16_t>(how);
    case Type::s32: return into_predicate<int32_t>(how);
    case Type::s64: return into_predicate<int64_t>(how);
    case Type::f32: return into_predicate<float>(how);
    case Type::f64: return into_predicate<double>(how);
    case Type::f16:
      return with_comparison<float>(
          how, []<auto F>()->Exec { return set_predicate_half<F, F16>; });
    case Type::bf16:
      return with_comparison<float>(
          how, []<auto F>()->Exec { return set_predicate_half<F, BF16>; });
    default: return nullptr;
  }
}

Exec compare_set(Type type, Compare how) {
  switch (type) {
    case Type::b32:
    case Type::u32: return into_register<uint32_t>(how);
    case Type::b64:
    case Type::u64: return into_register<uint64_t>(how);
    case Type::s32: return into_register<int32_t>(how);
    case Type::s64: return into_register<int64_t>(how);
    case Type::f32: return into_register<float>(how);
    case Type::f64: return into_register<double>(how);
    default: return nullptr;
  }
}

}  // namespace

namespace TENON_LANES {
extern Exec (*const kCompare)(Type, Compare);
extern Exec (*const kCompareSet)(Type, Compare);
Exec (*const kCompare)(Type, Compare) = compare;
Exec (*const kCompareSet)(Type, Compare) = compare_set;
}  // namespace TENON_LANES

}  // namespace tenon::runtime::sim
