#include "opt/scalar/algebra.h"

#include <algorithm>

namespace tenon::opt {
namespace {

using runtime::DType;
using runtime::Scalar;
using runtime::ScalarOp;

enum class Known : uint8_t { zero, one, minus_zero, true_, false_ };
/// For which operand types a rule holds.
enum class For : uint8_t { integer, floating, number, boolean };

/// `op` with the known value as operand `at` is the other operand, or that known value itself.
struct UnitRule {
  ScalarOp op;
  For types;
  size_t at;
  Known known;
  enum { gives_other, gives_known } result;
};
using enum Known;
constexpr UnitRule kUnitRules[] = {
    {ScalarOp::add, For::integer, 0, zero, UnitRule::gives_other},
    {ScalarOp::add, For::integer, 1, zero, UnitRule::gives_other},
    {ScalarOp::add, For::floating, 0, minus_zero, UnitRule::gives_other},  // 0.0 + -0.0 is 0.0, but
    {ScalarOp::add, For::floating, 1, minus_zero, UnitRule::gives_other},  // -0.0 + 0.0 is 0.0 too
    {ScalarOp::sub, For::number, 1, zero, UnitRule::gives_other},
    {ScalarOp::mul, For::number, 0, one, UnitRule::gives_other},
    {ScalarOp::mul, For::number, 1, one, UnitRule::gives_other},
    {ScalarOp::mul, For::integer, 0, zero, UnitRule::gives_known},
    {ScalarOp::mul, For::integer, 1, zero, UnitRule::gives_known},
    {ScalarOp::div, For::number, 1, one, UnitRule::gives_other},
    {ScalarOp::and_, For::boolean, 0, true_, UnitRule::gives_other},
    {ScalarOp::and_, For::boolean, 1, true_, UnitRule::gives_other},
    {ScalarOp::and_, For::boolean, 0, false_, UnitRule::gives_known},
    {ScalarOp::and_, For::boolean, 1, false_, UnitRule::gives_known},
    {ScalarOp::or_, For::boolean, 0, false_, UnitRule::gives_other},
    {ScalarOp::or_, For::boolean, 1, false_, UnitRule::gives_other},
    {ScalarOp::or_, For::boolean, 0, true_, UnitRule::gives_known},
    {ScalarOp::or_, For::boolean, 1, true_, UnitRule::gives_known},
    {ScalarOp::bit_and, For::integer, 0, zero, UnitRule::gives_known},
    {ScalarOp::bit_and, For::integer, 1, zero, UnitRule::gives_known},
    {ScalarOp::bit_or, For::integer, 0, zero, UnitRule::gives_other},
    {ScalarOp::bit_or, For::integer, 1, zero, UnitRule::gives_other},
    {ScalarOp::bit_xor, For::integer, 0, zero, UnitRule::gives_other},
    {ScalarOp::bit_xor, For::integer, 1, zero, UnitRule::gives_other},
    {ScalarOp::shl, For::integer, 1, zero, UnitRule::gives_other},
    {ScalarOp::shr, For::integer, 1, zero, UnitRule::gives_other},
    {ScalarOp::ushr, For::integer, 1, zero, UnitRule::gives_other},
};

/// `op` on one value twice. A NaN equals nothing, so comparisons decide only without floats.
struct TwiceRule {
  ScalarOp op;
  enum { operand, zero_, yes, no } result;
  bool floats;
};
constexpr TwiceRule kTwiceRules[] = {
    {ScalarOp::sub, TwiceRule::zero_, false},      {ScalarOp::eq, TwiceRule::yes, false},
    {ScalarOp::ne, TwiceRule::no, false},          {ScalarOp::lt, TwiceRule::no, false},
    {ScalarOp::le, TwiceRule::yes, false},         {ScalarOp::gt, TwiceRule::no, false},
    {ScalarOp::ge, TwiceRule::yes, false},         {ScalarOp::min, TwiceRule::operand, true},
    {ScalarOp::max, TwiceRule::operand, true},     {ScalarOp::and_, TwiceRule::operand, false},
    {ScalarOp::or_, TwiceRule::operand, false},    {ScalarOp::bit_and, TwiceRule::operand, false},
    {ScalarOp::bit_or, TwiceRule::operand, false}, {ScalarOp::bit_xor, TwiceRule::zero_, false},
};

bool holds_for(For types, DType type) {
  switch (types) {
    case For::integer: return runtime::is_integer(type);
    case For::floating: return runtime::is_floating(type);
    case For::number: return type != DType::bool_;
    case For::boolean: return type == DType::bool_;
  }
  return false;
}

Scalar known_value(Known known, DType type) {
  const double number = known == Known::minus_zero ? -0.0 : known == Known::one ? 1.0 : 0.0;
  if (type == DType::bool_) return Scalar::boolean(known == Known::true_);
  if (runtime::is_floating(type)) return Scalar::floating(type, number);
  return Scalar::integer(type, static_cast<int64_t>(number));
}

bool is(const KnownOperand& operand, Scalar value) {
  return operand.constant && *operand.constant == value;
}

std::optional<Simplified> simplify_select(DType type, std::span<const KnownOperand> operands) {
  if (operands[0].constant) return size_t{operands[0].constant->i ? 1u : 2u};
  if (operands[1].identity == operands[2].identity) return size_t{1};
  if (type != DType::bool_) return std::nullopt;
  const bool then_true = is(operands[1], Scalar::boolean(true));
  const bool else_false = is(operands[2], Scalar::boolean(false));
  if (then_true && else_false) return size_t{0};
  if (then_true) return SimplerApply{ScalarOp::or_, {0, 2}};
  if (else_false) return SimplerApply{ScalarOp::and_, {0, 1}};
  return std::nullopt;
}

std::optional<Simplified> simplify_twice(ScalarOp op, DType type) {
  const auto rule = std::ranges::find(kTwiceRules, op, &TwiceRule::op);
  if (rule == std::end(kTwiceRules) || (!rule->floats && runtime::is_floating(type))) {
    return std::nullopt;
  }
  switch (rule->result) {
    case TwiceRule::operand: return size_t{0};
    case TwiceRule::zero_: return Simplified(Scalar::integer(type, 0));
    case TwiceRule::yes: return Simplified(Scalar::boolean(true));
    case TwiceRule::no: return Simplified(Scalar::boolean(false));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Simplified> simplify(ScalarOp op, DType type,
                                   std::span<const KnownOperand> operands) {
  std::vector<Scalar> constants;
  for (const KnownOperand& operand : operands) {
    if (operand.constant) constants.push_back(*operand.constant);
  }
  if (constants.size() == operands.size() && !runtime::divides_by_zero(op, constants)) {
    return Simplified(runtime::eval(op, constants));
  }
  if (op == ScalarOp::select) return simplify_select(type, operands);
  if (operands.size() != 2) return std::nullopt;
  if (op == ScalarOp::mod && is(operands[1], Scalar::integer(type, 1))) {
    return Simplified(Scalar::integer(type, 0));
  }
  for (const UnitRule& rule : kUnitRules) {
    if (rule.op != op || !holds_for(rule.types, type)) continue;
    if (!is(operands[rule.at], known_value(rule.known, type))) continue;
    return rule.result == UnitRule::gives_other ? 1 - rule.at : rule.at;
  }
  if (operands[0].identity == operands[1].identity) return simplify_twice(op, type);
  return std::nullopt;
}

}  // namespace tenon::opt
