// Integer arithmetic: wraps; shifts by the width or more give zeros (or signs), never a shift
// modulo it.
#include "runtime/sim/lanes_loops.h"

namespace tenon::runtime::sim {
namespace {

template <class T>
struct Wide;
template <>
struct Wide<uint16_t> {
  using type = uint32_t;
};
template <>
struct Wide<int16_t> {
  using type = int32_t;
};
template <>
struct Wide<uint32_t> {
  using type = uint64_t;
};
template <>
struct Wide<int32_t> {
  using type = int64_t;
};
template <>
struct Wide<uint64_t> {
  using type = unsigned __int128;
};
template <>
struct Wide<int64_t> {
  using type = __int128;
};

template <class T>
constexpr int kBits = 8 * sizeof(T);

// What division by zero gives is not defined by PTX; cards give all ones.
template <class T>
T quotient(T a, T b) {
  if (b == 0) return static_cast<T>(~T{0});
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
  }
  return static_cast<T>(a / b);
}
template <class T>
T remainder(T a, T b) {
  if (b == 0) return a;
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return 0;
  }
  return static_cast<T>(a % b);
}

template <class T>
T shift_right(T a, uint32_t b) {
  constexpr uint32_t kMost = kBits<T> - 1;
  if constexpr (std::is_signed_v<T>) return static_cast<T>(a >> (b < kMost ? b : kMost));
  return b > kMost ? T{0} : static_cast<T>(a >> (b & kMost));
}
template <class T>
T shift_left(T a, uint32_t b) {
  constexpr uint32_t kMost = kBits<T> - 1;
  return b > kMost ? T{0} : static_cast<T>(a << (b & kMost));
}

/// b and c: where the field begins, and how long it is, 8 bits each.
template <class T>
T extract(T a, uint32_t b, uint32_t c) {
  const uint32_t from = b & 255, length = c & 255;
  constexpr uint32_t kMost = kBits<T> - 1;
  using U = std::make_unsigned_t<T>;
  const bool sign =
      std::is_signed_v<T> && length > 0 &&
      (static_cast<U>(a) >> (from + length - 1 < kMost ? from + length - 1 : kMost) & 1);
  U field = shift_right<U>(static_cast<U>(a), from);
  if (length <= kMost) {
    const U mask = static_cast<U>((U{1} << length) - 1);
    field = static_cast<U>((field & mask) | (sign ? static_cast<U>(~mask) : U{0}));
  }
  if (sign && from + length > kMost && from > 0) {  // bits beyond the end are copies of the sign
    const U kept = from > kMost ? U{0} : static_cast<U>(static_cast<U>(~U{0}) >> from);
    field = static_cast<U>(field | static_cast<U>(~kept));
  }
  return static_cast<T>(field);
}

template <class T>
uint32_t leading(
    T a) {  // the place of the highest bit that is no copy of the sign; -1 if there is none
  using U = std::make_unsigned_t<T>;
  U value = static_cast<U>(a);
  if constexpr (std::is_signed_v<T>) {
    if (a < 0) value = static_cast<U>(~value);
  }
  return value == 0 ? ~0u : 63 - static_cast<uint32_t>(__builtin_clzll(value));
}

template <class T>
T reversed(T a) {
  T result = 0;
  for (int bit = 0; bit < kBits<T>; ++bit) result = static_cast<T>(result << 1 | (a >> bit & 1));
  return result;
}

/// add.cc, addc, sub.cc, subc: with a carry bit for each lane.
template <class T, bool subtract>
Flow carried(Warp& warp, const Inst& inst, uint32_t mask) {
  const T* a = warp.lanes<T>(inst.a);
  const T* b = warp.lanes<T>(inst.b);
  T* d = warp.lanes<T>(inst.d);
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(mask, lane)) continue;
    const bool in = inst.mod.with & kCarryIn && has(warp.carry, lane);
    bool out;
    T result;
    if constexpr (subtract) {
      out = __builtin_sub_overflow(a[lane], b[lane], &result);
      out |= __builtin_sub_overflow(result, static_cast<T>(in), &result);
    } else {
      out = __builtin_add_overflow(a[lane], b[lane], &result);
      out |= __builtin_add_overflow(result, static_cast<T>(in), &result);
    }
    d[lane] = result;
    if (inst.mod.with & kCarryOut)
      warp.carry = (warp.carry & ~(1u << lane)) | uint32_t{out} << lane;
  }
  return Flow::next;
}

/// Operations of which the low bits are the same for signed and unsigned numbers.
template <class U>
Exec wrapping(Op op, const Modifiers& mod) {
  if (mod.with != 0 || op == Op::addc || op == Op::subc) {
    return op == Op::add || op == Op::addc ? carried<U, false> : carried<U, true>;
  }
  switch (op) {
    case Op::add: return each<[](U a, U b) { return a + b; }, U, U, U>;
    case Op::sub: return each<[](U a, U b) { return a - b; }, U, U, U>;
    case Op::and_: return each<[](U a, U b) { return a & b; }, U, U, U>;
    case Op::or_: return each<[](U a, U b) { return a | b; }, U, U, U>;
    case Op::xor_: return each<[](U a, U b) { return a ^ b; }, U, U, U>;
    case Op::not_: return each<[](U a) { return ~a; }, U, U>;
    case Op::cnot: return each<[](U a) { return U{a == 0}; }, U, U>;
    case Op::neg: return each<[](U a) { return U{0} - a; }, U, U>;
    case Op::shl: return each<shift_left<U>, U, U, uint32_t>;
    case Op::popc: return each<[](U a) { return __builtin_popcountll(a); }, uint32_t, U>;
    case Op::clz:
      return each<[](U a) { return a == 0 ? kBits<U> : __builtin_clzll(a) - (64 - kBits<U>); },
                  uint32_t, U>;
    case Op::brev: return each<reversed<U>, U, U>;
    case Op::mul:
    case Op::mul24: return each<[](U a, U b) { return static_cast<U>(uint64_t{a} * b); }, U, U, U>;
    case Op::mad:
    case Op::mad24:
      return each<[](U a, U b, U c) { return static_cast<U>(uint64_t{a} * b + c); }, U, U, U, U>;
    default: return nullptr;
  }
}

template <class T>
T high_product(T a, T b) {
  using W = typename Wide<T>::type;
  return static_cast<T>((static_cast<W>(a) * static_cast<W>(b)) >> kBits<T>);
}
template <class T>
T high_product_sum(T a, T b, T c) {
  using U = std::make_unsigned_t<T>;
  return static_cast<T>(static_cast<U>(high_product(a, b)) + static_cast<U>(c));
}
template <class T, class R>
R wide_product(T a, T b) {
  return static_cast<R>(static_cast<typename Wide<T>::type>(a) *
                        static_cast<typename Wide<T>::type>(b));
}
template <class T, class R>
R wide_product_sum(T a, T b, R c) {
  using U = std::make_unsigned_t<R>;
  return static_cast<R>(static_cast<U>(wide_product<T, R>(a, b)) + static_cast<U>(c));
}

template <class T>
Exec products(Op op, Part part) {
  using W = typename Wide<T>::type;
  using R = std::conditional_t<sizeof(T) == 8, T, W>;  // there is no mul.wide of 64 bits
  if (part == Part::hi) {
    return op == Op::mul ? each<high_product<T>, T, T, T> : each<high_product_sum<T>, T, T, T, T>;
  }
  return op == Op::mul ? each<wide_product<T, R>, R, T, T>
                       : each<wide_product_sum<T, R>, R, T, T, R>;
}

template <class T>
Exec signed_or_not(Op op, const Modifiers& mod) {
  using U = std::make_unsigned_t<T>;
  const Part part = static_cast<Part>(mod.what);
  switch (op) {
    case Op::mul:
    case Op::mad:
      if (part != Part::lo) return products<T>(op, part);
      break;
    case Op::div: return each<quotient<T>, T, T, T>;
    case Op::rem: return each<remainder<T>, T, T, T>;
    case Op::min: return each<[](T a, T b) { return a < b ? a : b; }, T, T, T>;
    case Op::max: return each<[](T a, T b) { return a < b ? b : a; }, T, T, T>;
    case Op::abs:
      return each<[](T a) {
        return a < 0 ? static_cast<U>(0 - static_cast<U>(a)) : static_cast<U>(a);
      },
                  U, T>;
    case Op::shr: return each<shift_right<T>, T, T, uint32_t>;
    case Op::sad:
      return each<[](T a, T b, U c) {
        return static_cast<U>(c + (a < b ? static_cast<U>(b) - static_cast<U>(a)
                                         : static_cast<U>(a) - static_cast<U>(b)));
      },
                  U, T, T, U>;
    case Op::bfe: return each<extract<T>, T, T, uint32_t, uint32_t>;
    case Op::bfind:
      if (mod.what)
        return each<[](T a) {
          const uint32_t at = leading(a);
          return at == ~0u ? at : kBits<T> - 1 - at;
        },
                    uint32_t, T>;
      return each<leading<T>, uint32_t, T>;
    case Op::add:
      if (mod.sat)
        return each<[](T a, T b) {
          T sum;
          if (!__builtin_add_overflow(a, b, &sum)) return sum;
          return a < 0 ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
        },
                    T, T, T>;
      break;
    case Op::sub:
      if (mod.sat)
        return each<[](T a, T b) {
          T difference;
          if (!__builtin_sub_overflow(a, b, &difference)) return difference;
          return a < 0 ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
        },
                    T, T, T>;
      break;
    default: break;
  }
  return wrapping<U>(op, mod);
}

/// Predicates: all lanes in one number.
template <auto F>
Flow predicates(Warp& warp, const Inst& inst, uint32_t mask) {
  uint32_t& d = warp.predicate(inst.d);
  d = (d & ~mask) | (F(warp.predicate(inst.a), warp.predicate(inst.b)) & mask);
  return Flow::next;
}

Flow predicate_not(Warp& warp, const Inst& inst, uint32_t mask) {
  uint32_t& d = warp.predicate(inst.d);
  d = (d & ~mask) | (~warp.predicate(inst.a) & mask);
  return Flow::next;
}

Exec of_predicates(Op op) {
  switch (op) {
    case Op::and_: return predicates<[](uint32_t a, uint32_t b) { return a & b; }>;
    case Op::or_: return predicates<[](uint32_t a, uint32_t b) { return a | b; }>;
    case Op::xor_: return predicates<[](uint32_t a, uint32_t b) { return a ^ b; }>;
    case Op::not_:
      return predicate_not;
    default: return nullptr;
  }
}

Exec integers(Op op, Type type, const Modifiers& mod) {
  switch (type) {
    case Type::pred: return of_predicates(op);
    case Type::b16:
    case Type::u16: return signed_or_not<uint16_t>(op, mod);
    case Type::b32:
    case Type::u32: return signed_or_not<uint32_t>(op, mod);
    case Type::b64:
    case Type::u64: return signed_or_not<uint64_t>(op, mod);
    case Type::s16: return signed_or_not<int16_t>(op, mod);
    case Type::s32: return signed_or_not<int32_t>(op, mod);
    case Type::s64: return signed_or_not<int64_t>(op, mod);
    default: return nullptr;
  }
}

}  // namespace

// Defined here, so that lanes_table.cpp finds it in each version.
namespace TENON_LANES {
extern Exec (*const kIntegers)(Op, Type, const Modifiers&);
Exec (*const kIntegers)(Op, Type, const Modifiers&) = integers;
}  // namespace TENON_LANES

}  // namespace tenon::runtime::sim
