// Expressions for a scalar type.
#include <algorithm>
#include <array>

#include "tests/differential/generator/generator.h"

namespace tenon::differential {

using runtime::Operands;
using runtime::Result;
using runtime::ScalarOp;

namespace {

struct OpWeight {
  size_t weight = 0;
  bool exact = false;
};
constexpr auto kOpWeights = [] {
  enum {
#define WEIGHT(op, weight, exact) weight_of_##op = weight, exact_##op = exact,
#include "tests/differential/generator/op_weights.def"
  };
  return std::array{
#define SCALAR_OP(name, text, arity, infix, precedence, operands, result, meaning) \
  OpWeight{weight_of_##name, exact_##name != 0},
#include "runtime/scalar_ops.def"
  };
}();

using Literals = std::vector<std::string_view>;
/// By DType; the simplest first. What a type cannot write is written as arithmetic.
const Literals kLiterals[] = {
    {"false", "true"},
    {"0", "1", "2", "3", "-1", "7", "-7", "100", "127", "-128"},
    {"0", "1", "2", "3", "-1", "5", "-3", "1000", "65535", "2147483647", "-2147483648"},
    {"0", "1", "2", "3", "-1", "-5", "4000000000", "9223372036854775807", "-9223372036854775808"},
    {"0.0", "1.0", "2.0", "-0.0", "-2.5", "0.1", "0.00006", "65504.0", "1.0 / 0.0", "0.0 / 0.0"},
    {"0.0", "1.0", "2.0", "-0.0", "-2.5", "0.1", "1e-39", "1e38", "-1.0 / 0.0", "0.0 / 0.0"},
    {"0.0", "1.0", "2.0", "-0.0", "-2.5", "0.1", "0.7", "1e-40", "1e30", "16777217.0", "1.0 / 0.0",
     "0.0 / 0.0"},
    {"0.0", "1.0", "2.0", "-0.0", "-0.5", "0.1", "0.7", "1e-310", "1e300", "-1.0 / 0.0",
     "0.0 / 0.0"},
};

/// The types of operands with which `op` gives `type`; the palette chooses where several do.
std::optional<Operands> operands_for(ScalarOp op, DType type) {
  const runtime::ScalarOpRow& row = runtime::row(op);
  if (row.result == Result::boolean) {
    return type == DType::bool_ ? std::optional(row.operands) : std::nullopt;
  }
  if (row.result == Result::bits) return std::nullopt;  // only of one type each, see below
  return runtime::accepts(op, type) ? std::optional(row.operands) : std::nullopt;
}

/// The float of an integer's width, and the other way round, where `bits` and `from_bits` know
/// them.
std::optional<DType> bits_partner(ScalarOp op, DType type) {
  for (const DType other : {DType::i32, DType::i64, DType::f32, DType::f64}) {
    if (runtime::accepts(op, other) && runtime::result_type(op, other) == type) return other;
  }
  return std::nullopt;
}

}  // namespace

std::string Generator::scalar(DType type, int depth) {
  struct Row {
    std::string_view feature;
    size_t weight;
    std::string (Generator::*make)(DType, int);
  };
  static constexpr Row kForms[] = {
#define SCALAR_FORM(name, weight, meaning) {"scalar: " #name, weight, &Generator::scalar_##name},
#include "tests/differential/generator/forms.def"
  };
  cost_ += work_;
  const Row* row = kForms;
  if (depth > 0 && !tired()) {
    row = &choices_.weighted(kForms, [](const Row& each) { return each.weight; });
  }
  std::string text = (this->*row->make)(type, depth - 1);
  if (text.empty()) {
    row = kForms;
    text = scalar_leaf(type, 0);
  } else if (row != kForms && repeatable_.size() < 100) {
    repeatable_.push_back({text, type, variables_.size(), indices_.size()});
  }
  count(row->feature);
  return text;
}

// ---- leaves

std::string Generator::literal(DType type) {
  const std::string_view text = choices_.among(kLiterals[static_cast<int>(type)]);
  return type == DType::bool_ ? std::string(text)
                              : fmt::format("{}({})", runtime::row(type).text, text);
}

std::string Generator::scalar_leaf(DType type, int) {
  std::vector<std::string> known;
  for (const Variable& each : variables_) {
    if (each.type.is_scalar() && each.type.element == type) known.push_back(each.name);
  }
  if (runtime::is_integer(type)) {
    for (const Index& each : indices_) {
      const std::string_view name = runtime::row(type).text;
      known.push_back(type == DType::i64 ? each.name : fmt::format("{}({})", name, each.name));
      if (type == DType::i64) known.push_back(fmt::format("({} * 7)", each.name));
    }
  }
  if (const Variable* tensor = any_tensor_variable(type)) {
    const std::string where = subscripts(tensor->type.shape, 0);
    if (!where.empty()) known.push_back(fmt::format("{}[{}]", tensor->name, where));
  }
  const size_t choice = choices_.below(1 + 3 * known.size());
  return choice == 0 ? literal(type) : known[(choice - 1) % known.size()];
}

std::string Generator::scalar_repeat(DType type, int) {
  std::vector<const Repeatable*> fitting;
  for (const Repeatable& each : repeatable_) {
    if (each.type == type) fitting.push_back(&each);
  }
  return fitting.empty() ? "" : choices_.among(fitting)->text;
}

// ---- operations

std::string Generator::small(DType type, std::string operand, int limit) const {
  if (!exact_ || !runtime::is_floating(type)) return operand;
  return fmt::format("clamp(round({0}), -{1}.0, {1}.0)", operand, limit);
}

/// A divisor from 1 to 7 or from -8 to -2: what comes out of a % is not negative.
std::string Generator::nonzero(DType type, int depth) {
  if (may_fail_ && chance(48)) {
    if (const Variable* variable = any_variable({type, {}})) return variable->name;
  }
  const std::string_view shift = chance(128) ? "- 8" : "+ 1";
  return fmt::format("({} % 7 {})", scalar(type, depth), shift);
}

/// As the source writes it.
std::string Generator::operation(ScalarOp op, DType type, std::vector<std::string> operands) {
  const runtime::ScalarOpRow& row = runtime::row(op);
  count(fmt::format("op: {}", row.text));
  if (op == ScalarOp::mul) {
    for (std::string& each : operands) each = small(type, each);
  }
  if (row.infix.empty()) return fmt::format("{}({})", row.text, joined(operands));
  if (row.arity == 1) return fmt::format("({} {})", row.infix, operands[0]);
  return fmt::format("({} {} {})", operands[0], row.infix, operands[1]);
}

std::string Generator::scalar_operation(DType type, int depth) {
  std::vector<ScalarOp> fitting;
  for (size_t i = 0; i < kOpWeights.size(); ++i) {
    const ScalarOp op = static_cast<ScalarOp>(i);
    const bool fits = operands_for(op, type) ||
                      (runtime::row(op).result == Result::bits && bits_partner(op, type));
    if (fits && (kOpWeights[i].exact || !exact_)) fitting.push_back(op);
  }
  const ScalarOp op = choices_.weighted(
      fitting, [](ScalarOp each) { return kOpWeights[static_cast<size_t>(each)].weight; });
  const runtime::ScalarOpRow& row = runtime::row(op);
  DType operand = type;
  if (row.result == Result::bits) operand = *bits_partner(op, type);
  if (row.result == Result::boolean) operand = type_accepted(row.operands);
  std::vector<std::string> operands;
  if (op == ScalarOp::select) operands.push_back(condition(depth));
  while (operands.size() < static_cast<size_t>(row.arity))
    operands.push_back(scalar(operand, depth));
  const bool divides = runtime::is_integer(type) && (op == ScalarOp::div || op == ScalarOp::mod);
  if (divides) operands[1] = nonzero(type, depth);
  return operation(op, operand, std::move(operands));
}

/// x + 0, x * 1, x - x, x / x, 0 * x: what rules of algebra are about, and what they must not do to
/// floats.
std::string Generator::scalar_neutral(DType type, int depth) {
  const std::string x = scalar(type, depth);
  const std::string_view t = runtime::row(type).text;
  if (type == DType::bool_) {
    static constexpr std::string_view kForms[] = {
        "(not (not {0}))", "({0} and true)", "({0} or false)",
        "({0} == true)",   "({0} or {0})",   "({0} and false)",
        "({0} or true)",   "({0} != {0})",   "select({0}, true, false)"};
    return fmt::format(fmt::runtime(choices_.among(kForms)), x);
  }
  static constexpr std::string_view kForms[] = {"({0} + {1}(0))",
                                                "({0} * {1}(1))",
                                                "({0} - {1}(0))",
                                                "({0} - {0})",
                                                "({1}(0) - {0})",
                                                "({0} / {1}(1))",
                                                "(- (- {0}))",
                                                "({0} * {1}(0))",
                                                "({0} + {0})",
                                                "min({0}, {0})",
                                                "max({0}, {0})",
                                                "(({0} + {1}(3)) + {1}(2))",
                                                "(({0} - {1}(3)) + {1}(3))",
                                                "({0} * {1}(-1))",
                                                "({0} / {1}(2))",
                                                "({0} / {1}(-1))",
                                                "select({0} == {0}, {0}, {1}(0))"};
  static constexpr std::string_view kWhole[] = {"bit_and({0}, {0})",
                                                "bit_and({0}, {1}(0))",
                                                "bit_or({0}, {1}(0))",
                                                "bit_xor({0}, {0})",
                                                "shl({0}, {1}(0))",
                                                "shr({0}, {1}(1))",
                                                "ushr({0}, {1}(0))",
                                                "({0} % {1}(1))",
                                                "({0} % {1}(4))",
                                                "({0} / {1}(4))",
                                                "({0} * {1}(8))",
                                                "bit_and({0}, {1}(-1))",
                                                "(({0} * {1}(3)) * {1}(5))",
                                                "(({0} / {1}(4)) * {1}(4))",
                                                "(({0} % {1}(8)) % {1}(4))"};
  if (runtime::is_integer(type) && chance(128)) {
    return fmt::format(fmt::runtime(choices_.among(kWhole)), x, t);
  }
  const std::string_view form = choices_.among(kForms);
  const bool multiplies = form.find('*') != form.npos;
  return fmt::format(fmt::runtime(form), multiplies ? small(type, x) : x, t);
}

std::string Generator::scalar_power(DType type, int depth) {
  if (type == DType::bool_) return {};
  const size_t exponent = choices_.below(5);
  const bool inverse = runtime::is_floating(type) && chance(64);
  return fmt::format("({} ** {}{})", small(type, scalar(type, depth)), inverse ? "-" : "",
                     exponent);
}

std::string Generator::scalar_choice(DType type, int depth) {
  const std::string condition = this->condition(depth);
  const std::string then = scalar(type, depth);
  if (!chance(64))
    return fmt::format("(if {} {{ {} }} else {{ {} }})", condition, then, scalar(type, depth));
  const std::string second = this->condition(depth), middle = scalar(type, depth);
  return fmt::format("(if {} {{ {} }} else if {} {{ {} }} else {{ {} }})", condition, then, second,
                     middle, scalar(type, depth));
}

std::string Generator::scalar_conversion(DType type, int depth) {
  return fmt::format("{}({})", runtime::row(type).text, scalar(any_type(), depth));
}

// ---- calls

std::string Generator::arguments(const Function& function, int depth) {
  std::vector<std::string> arguments;
  for (const Type& each : function.params) arguments.push_back(value(each, depth));
  return joined(arguments);
}

std::string Generator::scalar_call(DType type, int depth) {
  if (indices_.empty() && chance(128)) return call({type, {}}, depth);
  std::vector<const Function*> fitting;
  for (const Function& each : functions_) {
    if (each.scalars_only() && each.results[0].element == type && work_ * each.cost < kBudget) {
      fitting.push_back(&each);
    }
  }
  if (fitting.empty()) return {};
  const Function& function = *choices_.among(fitting);
  cost_ += work_ * function.cost;
  return fmt::format("{}({})", function.name, arguments(function, depth));
}

std::string Generator::scalar_library(DType type, int depth) {
  return indices_.empty() ? library({type, {}}, depth) : "";
}

}  // namespace tenon::differential
