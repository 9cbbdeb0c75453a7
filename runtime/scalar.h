// Scalar types and scalar arithmetic: the one definition of what `+`, `/`, `max` or `exp` gives.
//
// Both interpreters and the constant folder compute through eval(), so that they cannot disagree;
// the CPU and GPU back ends implement the same rows on their own, and tests compare.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace tenon::runtime {

enum class DType : uint8_t {
#define DTYPE(name, text, cpp, bytes, kind, npy, safetensors) name,
#include "runtime/dtypes.def"
};

enum class Kind : uint8_t { boolean, integer, floating };

enum class ScalarOp : uint8_t {
#define SCALAR_OP(name, text, arity, infix, precedence, operands, result, meaning) name,
#include "runtime/scalar_ops.def"
};

enum class Operands : uint8_t { num, integer, floating, boolean, any };
enum class Result : uint8_t { same, boolean, bits };

struct DTypeRow {
  std::string_view text;
  int bytes;
  Kind kind;
  std::string_view npy, safetensors;
};
struct ScalarOpRow {
  std::string_view text;
  int arity;
  std::string_view infix;
  int precedence;
  Operands operands;
  Result result;
  std::string_view meaning;
};

inline constexpr DTypeRow kDTypes[] = {
#define DTYPE(name, text, cpp, bytes, kind, npy, safetensors) \
  {text, bytes, Kind::kind, npy, safetensors},
#include "runtime/dtypes.def"
};
inline constexpr ScalarOpRow kScalarOps[] = {
#define SCALAR_OP(name, text, arity, infix, precedence, operands, result, meaning) \
  {text, arity, infix, precedence, Operands::operands, Result::result, meaning},
#include "runtime/scalar_ops.def"
};

constexpr const DTypeRow& row(DType t) { return kDTypes[static_cast<int>(t)]; }
constexpr const ScalarOpRow& row(ScalarOp op) { return kScalarOps[static_cast<int>(op)]; }
constexpr bool is_integer(DType t) { return row(t).kind == Kind::integer; }
constexpr bool is_floating(DType t) { return row(t).kind == Kind::floating; }
/// f16 and bf16, which are computed with in f32 and rounded once.
constexpr bool is_small_float(DType t) { return is_floating(t) && row(t).bytes == 2; }
constexpr int bits_of(DType t) { return row(t).bytes * 8; }
/// Whether op(a, b) is op(b, a), to the bit.
constexpr bool is_commutative(ScalarOp op) {
  switch (op) {
    case ScalarOp::add:
    case ScalarOp::mul:
    case ScalarOp::eq:
    case ScalarOp::ne:
    case ScalarOp::and_:
    case ScalarOp::or_:
    case ScalarOp::min:
    case ScalarOp::max:
    case ScalarOp::bit_and:
    case ScalarOp::bit_or:
    case ScalarOp::bit_xor: return true;
    default: return false;
  }
}
int64_t lowest(DType integer);
int64_t highest(DType integer);

/// Whether `op` takes operands of type `t` (for `select`: as its second and third).
bool accepts(ScalarOp op, DType t);
/// The type of `op`'s value when its operands have type `t`.
DType result_type(ScalarOp op, DType t);

/// One number. Integers and bools (0 or 1) are in `i`, sign-extended; floats of any width in `f`,
/// which holds them exactly.
struct Scalar {
  DType type = DType::i64;
  union {
    int64_t i = 0;
    double f;
  };

  static Scalar integer(DType type, int64_t value);  ///< wraps to the type's width; bool: != 0
  static Scalar floating(DType type, double value);  ///< rounds to the type's precision
  static Scalar boolean(bool value);
  /// Same type and same bits, where all NaNs are one: 0.0 differs from -0.0, NaN equals NaN.
  bool operator==(const Scalar& other) const;
};

/// Integer division or remainder by zero: the one way a scalar operation fails.
bool divides_by_zero(ScalarOp op, std::span<const Scalar> args);
/// The value of `op` on arguments it accepts; must not be called where divides_by_zero().
Scalar eval(ScalarOp op, std::span<const Scalar> args);
/// What changes nothing in a chain of `op`, an associative one. Of sums of floats 0.0, which they start from:
/// a sum of -0.0 alone is 0.0.
Scalar identity_of(ScalarOp op, DType type);
/// The explicit conversion `t(x)`: float to integer truncates and saturates (NaN gives 0), integer
/// to a narrower one wraps, to bool is `x != 0`.
Scalar convert(DType to, Scalar x);

}  // namespace tenon::runtime
