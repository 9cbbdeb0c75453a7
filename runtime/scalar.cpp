// The meaning of scalar_ops.def: one small function per row, in terms of C++ types. The tables do
// the rest: eval() finds the function of a row by its name, and a row without one does not compile.
#include "runtime/scalar.h"

#include <fmt/format.h>

#include <bit>
#include <cfloat>
#include <cmath>
#include <concepts>
#include <limits>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "runtime/abi.h"
#include "runtime/small_float.h"

namespace tenon::runtime {
namespace {

static_assert(FLT_EVAL_METHOD == 0, "f32 arithmetic must round to float after each operation");

template <class T>
concept Integer = std::signed_integral<T>;
template <class T>
concept Float = std::floating_point<T>;
template <class T>
concept Number = Integer<T> || Float<T>;

// A line per row where that is enough.
// clang-format off
namespace rows {

// Sums, differences and products of integers are taken modulo 2^64, where C++ defines them; the
// narrower types' follow, as 2^width divides 2^64.
constexpr uint64_t wide(Integer auto a) { return static_cast<uint64_t>(a); }

template <Integer T> T add(T a, T b) { return static_cast<T>(wide(a) + wide(b)); }
template <Integer T> T sub(T a, T b) { return static_cast<T>(wide(a) - wide(b)); }
template <Integer T> T mul(T a, T b) { return static_cast<T>(wide(a) * wide(b)); }
template <Integer T> T neg(T a) { return sub(T{0}, a); }

// [snippet division]
// C++ rounds toward zero. The floor is one less where that was inexact and the signs differ.
// Division by -1 is apart because lowest / -1 does not fit.
template <Integer T> T div(T a, T b) {
  if (b == -1) return neg(a);
  const T quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}
template <Integer T> T mod(T a, T b) {
  if (b == -1) return 0;
  const T remainder = a % b;
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}
// [end]

template <Float T> T add(T a, T b) { return a + b; }
template <Float T> T sub(T a, T b) { return a - b; }
template <Float T> T mul(T a, T b) { return a * b; }
template <Float T> T div(T a, T b) { return a / b; }
template <Float T> T neg(T a) { return -a; }

template <class T> bool eq(T a, T b) { return a == b; }
template <class T> bool ne(T a, T b) { return a != b; }
template <Number T> bool lt(T a, T b) { return a < b; }
template <Number T> bool le(T a, T b) { return a <= b; }
template <Number T> bool gt(T a, T b) { return a > b; }
template <Number T> bool ge(T a, T b) { return a >= b; }

bool and_(bool a, bool b) { return a && b; }
bool or_(bool a, bool b) { return a || b; }
bool not_(bool a) { return !a; }
/// The condition arrives as the 0 or 1 of the others' type.
template <class T> T select(T condition, T a, T b) { return condition != T{0} ? a : b; }

template <Integer T> T min(T a, T b) { return b < a ? b : a; }
template <Integer T> T max(T a, T b) { return a < b ? b : a; }
template <Integer T> T abs(T a) { return a < 0 ? neg(a) : a; }

// [snippet minimum]
// IEEE 754-2019 minimum and maximum. Of two equal zeros the sign decides; a sum with a NaN is one.
template <Float T> T min(T a, T b) {
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b < a ? b : a + b;
}
template <Float T> T max(T a, T b) {
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b > a ? b : a + b;
}
// [end]
template <Float T> T abs(T a) { return std::fabs(a); }

template <Float T> T floor(T a) { return std::floor(a); }
template <Float T> T ceil(T a) { return std::ceil(a); }
template <Float T> T round(T a) { return std::nearbyint(a); }  // ties to even, C's default mode
template <Float T> T sqrt(T a) { return std::sqrt(a); }
template <Float T> T rsqrt(T a) { return T{1} / std::sqrt(a); }
template <Float T> T fma(T a, T b, T c) { return std::fma(a, b, c); }
template <Float T> bool isnan(T a) { return std::isnan(a); }

#define LIBRARY(name)                                 \
  float name(float a) { return tn_##name##_f32(a); }  \
  double name(double a) { return tn_##name##_f64(a); }
TN_MATH(LIBRARY)
#undef LIBRARY
float pow(float a, float b) { return tn_pow_f32(a, b); }
double pow(double a, double b) { return tn_pow_f64(a, b); }

template <Integer T> T bit_and(T a, T b) { return a & b; }
template <Integer T> T bit_or(T a, T b) { return a | b; }
template <Integer T> T bit_xor(T a, T b) { return a ^ b; }

/// Modulo the width, which is a power of two, also where `count` is negative.
template <Integer T> int shift(T count) {
  return static_cast<int>(wide(count) & (sizeof(T) * 8 - 1));
}
template <Integer T> T shl(T a, T b) { return static_cast<T>(wide(a) << shift(b)); }
template <Integer T> T shr(T a, T b) { return a >> shift(b); }
template <Integer T> T ushr(T a, T b) {
  return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) >> shift(b));
}

// The quiet NaN of C++ is the canonical one: 0x7fc00000, 0x7ff8000000000000.
template <Float T> T canonical(T a) {
  return std::isnan(a) ? std::numeric_limits<T>::quiet_NaN() : a;
}
int32_t bits(float a) { return std::bit_cast<int32_t>(canonical(a)); }
int64_t bits(double a) { return std::bit_cast<int64_t>(canonical(a)); }
float from_bits(int32_t a) { return std::bit_cast<float>(a); }
double from_bits(int64_t a) { return std::bit_cast<double>(a); }

}  // namespace rows
// clang-format on

/// The C++ type that rows compute in: how the element lies in memory, but bool for bool.
template <DType>
struct NativeOf;
template <class T>
struct DTypeOf;
#define DTYPE(name, text, cpp, bytes, kind, npy, safetensors)                \
  template <>                                                                \
  struct NativeOf<DType::name> {                                             \
    using type = std::conditional_t<Kind::kind == Kind::boolean, bool, cpp>; \
  };                                                                         \
  template <>                                                                \
  struct DTypeOf<NativeOf<DType::name>::type> {                              \
    static constexpr DType value = DType::name;                              \
  };
#include "runtime/dtypes.def"

template <class T>
T unbox(Scalar s) {
  return is_floating(s.type) ? static_cast<T>(s.f) : static_cast<T>(s.i);
}
Scalar box(bool value) {
  return Scalar::boolean(value);
}
Scalar box(Integer auto value) {
  return Scalar::integer(DTypeOf<decltype(value)>::value, value);
}
Scalar box(Float auto value) {
  return Scalar::floating(DTypeOf<decltype(value)>::value, value);
}

/// The integer type as wide as a float, the float type as wide as an integer.
constexpr std::optional<DType> counterpart(DType t) {
  const Kind wanted = is_floating(t) ? Kind::integer : Kind::floating;
  for (size_t i = 0; i < std::size(kDTypes); ++i) {
    if (kDTypes[i].kind == wanted && kDTypes[i].bytes == row(t).bytes) return static_cast<DType>(i);
  }
  return std::nullopt;
}

constexpr bool takes(ScalarOp op, DType t) {
  const Kind kind = row(t).kind;
  if (row(op).result == Result::bits && !counterpart(t)) return false;
  switch (row(op).operands) {
    case Operands::num: return kind != Kind::boolean;
    case Operands::integer: return kind == Kind::integer;
    case Operands::floating: return kind == Kind::floating;
    case Operands::boolean: return kind == Kind::boolean;
    case Operands::any: return true;
  }
  return false;
}

template <class T, class F, size_t... i>
Scalar call(F f, std::span<const Scalar> args, std::index_sequence<i...>) {
  return box(f(unbox<T>(args[i])...));
}

/// In f32, rounded once at the end. So + - * / and sqrt are correctly rounded: f32 has twice the
/// digits and two more (S. Figueroa, "When is double rounding innocuous?", 1995). The product
/// in an fma is exact in f64, but the sum may have too many digits for any type.
template <DType t, ScalarOp op, class F>
Scalar call_small(F f, std::span<const Scalar> args) {
  if constexpr (op == ScalarOp::fma) {
    return Scalar::floating(t, sum_to_odd(args[0].f * args[1].f, args[2].f));
  } else {
    const Scalar wide = call<float>(f, args, std::make_index_sequence<row(op).arity>());
    return row(op).result == Result::same ? Scalar::floating(t, wide.f) : wide;
  }
}

/// Calls `f` on the arguments as C++ values of their type, if `op` takes that type.
template <ScalarOp op, class F>
Scalar apply(F f, std::span<const Scalar> args) {
  switch (args.back().type) {
#define DTYPE(name, text, cpp, bytes, kind, npy, safetensors)  \
  case DType::name:                                            \
    if constexpr (!takes(op, DType::name)) {                   \
      break;                                                   \
    } else if constexpr (is_small_float(DType::name)) {        \
      return call_small<DType::name, op>(f, args);             \
    } else {                                                   \
      return call<typename NativeOf<DType::name>::type>(       \
          f, args, std::make_index_sequence<row(op).arity>()); \
    }
#include "runtime/dtypes.def"
  }
  throw std::logic_error(
      fmt::format("eval: {} does not take {}", row(op).text, row(args.back().type).text));
}

/// Toward zero; out of range the nearest that `to` has; 0 for NaN.
int64_t truncate(DType to, double value) {
  if (std::isnan(value)) return 0;
  const double bound = std::ldexp(1.0, bits_of(to) - 1);  // highest + 1, which a double holds
  if (value >= bound) return highest(to);
  if (value < -bound) return lowest(to);
  return static_cast<int64_t>(value);
}

}  // namespace

int64_t highest(DType integer) {
  return std::numeric_limits<int64_t>::max() >> (64 - bits_of(integer));
}
int64_t lowest(DType integer) {
  return -highest(integer) - 1;
}

bool accepts(ScalarOp op, DType t) {
  return takes(op, t);
}

DType result_type(ScalarOp op, DType t) {
  switch (row(op).result) {
    case Result::same: return t;
    case Result::boolean: return DType::bool_;
    case Result::bits: return counterpart(t).value();
  }
  return t;
}

Scalar identity_of(ScalarOp op, DType type) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto number = [&](int64_t whole, double floating) {
    return is_floating(type) ? Scalar::floating(type, floating) : Scalar::integer(type, whole);
  };
  switch (op) {
    case ScalarOp::add: return number(0, 0.0);
    case ScalarOp::mul: return number(1, 1);
    case ScalarOp::min: return number(is_integer(type) ? highest(type) : 0, inf);
    case ScalarOp::max: return number(is_integer(type) ? lowest(type) : 0, -inf);
    case ScalarOp::and_:
    case ScalarOp::eq: return Scalar::boolean(true);
    case ScalarOp::bit_and: return Scalar::integer(type, -1);
    default: return Scalar::integer(type, 0);
  }
}

Scalar Scalar::integer(DType type, int64_t value) {
  if (type == DType::bool_) return boolean(value != 0);
  const int unused = 64 - bits_of(type);
  Scalar s;
  s.type = type;
  s.i = static_cast<int64_t>(static_cast<uint64_t>(value) << unused) >> unused;
  return s;
}

namespace {

/// The nearest that `type` has, a float type, of a double or an i64.
template <class T>
Scalar nearest(DType type, T value) {
  Scalar s;
  s.type = type;
  switch (type) {
#define DTYPE(name, text, cpp, bytes, kind, npy, safetensors) \
  case DType::name:                                           \
    if constexpr (Kind::kind == Kind::floating)               \
      s.f = static_cast<double>(static_cast<cpp>(value));     \
    break;
#include "runtime/dtypes.def"
  }
  return s;
}

}  // namespace

Scalar Scalar::floating(DType type, double value) {
  return nearest(type, value);
}

Scalar Scalar::boolean(bool value) {
  Scalar s;
  s.type = DType::bool_;
  s.i = value;
  return s;
}

bool Scalar::operator==(const Scalar& other) const {
  if (type != other.type) return false;
  return is_floating(type) ? rows::bits(f) == rows::bits(other.f) : i == other.i;
}

bool divides_by_zero(ScalarOp op, std::span<const Scalar> args) {
  return (op == ScalarOp::div || op == ScalarOp::mod) && is_integer(args[1].type) && args[1].i == 0;
}

Scalar eval(ScalarOp op, std::span<const Scalar> args) {
  switch (op) {
#define SCALAR_OP(name, text, arity, infix, precedence, operands, result, meaning) \
  case ScalarOp::name:                                                             \
    return apply<ScalarOp::name>([](auto... x) { return rows::name(x...); }, args);
#include "runtime/scalar_ops.def"
  }
  return {};
}

Scalar convert(DType to, Scalar x) {
  switch (row(to).kind) {
    case Kind::boolean: return Scalar::boolean(is_floating(x.type) ? x.f != 0 : x.i != 0);
    case Kind::integer: return Scalar::integer(to, is_floating(x.type) ? truncate(to, x.f) : x.i);
    case Kind::floating:
      if (is_floating(x.type)) return Scalar::floating(to, x.f);
      // Straight to the type: by way of f64, a large i64 would round twice.
      return nearest(to, x.i);
  }
  return {};
}

}  // namespace tenon::runtime
