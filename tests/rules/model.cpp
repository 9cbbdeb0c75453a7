#include "tests/rules/model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace tenon::tests {

using namespace ir;
using opt::Variable;
using runtime::Kind;

namespace {

int64_t wrapped(int64_t value, int width) {
  const int unused = 64 - width;
  return static_cast<int64_t>(static_cast<uint64_t>(value) << unused) >> unused;
}

/// The nearest number of the format, ties to even. Exact for every double: sums and products of two
/// numbers of so few digits are exact in a double, and quotients and roots have digits to spare
/// (S. Figueroa, "When is double rounding innocuous?", 1995).
double rounded(const Domain& d, double value) {
  if (std::isnan(value) || std::isinf(value) || value == 0) return value;
  const int bias = (1 << (d.exponent_bits - 1)) - 1;
  const int lowest_exponent = 1 - bias;
  int exponent = std::ilogb(value);
  exponent = std::max(exponent, lowest_exponent);
  const double unit = std::ldexp(1.0, exponent - d.fraction_bits);
  const double result = std::nearbyint(value / unit) * unit;
  const double limit = std::ldexp(2.0 - std::ldexp(1.0, -d.fraction_bits), bias);
  if (std::fabs(result) > limit)
    return std::copysign(std::numeric_limits<double>::infinity(), value);
  return std::copysign(result, value);
}

/// The number as its bits in the format; NaN is the canonical one.
int64_t encoded(const Domain& d, double value) {
  const int64_t exponents = int64_t{1} << d.exponent_bits, unit = int64_t{1} << d.fraction_bits;
  const int bias = static_cast<int>(exponents / 2 - 1);
  if (std::isnan(value)) return (exponents - 1) * unit + unit / 2;
  const int64_t sign = std::signbit(value) ? exponents * unit : 0;
  const double size = std::fabs(value);
  if (std::isinf(value)) return sign | (exponents - 1) * unit;
  if (size < std::ldexp(1.0, 1 - bias))
    return sign | static_cast<int64_t>(std::ldexp(size, bias - 1 + d.fraction_bits));
  const int exponent = std::ilogb(size);
  const double fraction = std::ldexp(size, d.fraction_bits - exponent);
  return sign | ((exponent + bias) * unit + static_cast<int64_t>(fraction) - unit);
}

double decoded(const Domain& d, int64_t bits) {
  const int64_t exponents = int64_t{1} << d.exponent_bits, unit = int64_t{1} << d.fraction_bits;
  const int bias = static_cast<int>(exponents / 2 - 1);
  const int64_t fraction = bits % unit, exponent = bits / unit % exponents;
  const double sign = (bits / unit / exponents & 1) != 0 ? -1.0 : 1.0;
  if (exponent == exponents - 1) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0)
    return sign * std::ldexp(static_cast<double>(fraction), 1 - bias - d.fraction_bits);
  return sign * std::ldexp(static_cast<double>(fraction + unit),
                           static_cast<int>(exponent) - bias - d.fraction_bits);
}

}  // namespace

std::vector<Number> Domain::values() const {
  std::vector<Number> all;
  const int64_t count = int64_t{1} << width;
  for (int64_t bits = 0; bits < count; ++bits) {
    if (kind == Kind::floating) {
      const double value = decoded(*this, bits);
      if (!std::isnan(value) || bits == encoded(*this, value)) all.push_back({0, value});
    } else {
      all.push_back({kind == Kind::boolean ? bits : wrapped(bits, width), 0});
    }
  }
  return all;
}

std::string Domain::text() const {
  switch (kind) {
    case Kind::boolean: return "bools";
    case Kind::integer: return fmt::format("integers of {} bits", width);
    case Kind::floating: return fmt::format("floats of 1-{}-{} bits", exponent_bits, fraction_bits);
  }
  return "";
}

std::string Domain::text(Number value) const {
  if (kind == Kind::boolean) return value.i != 0 ? "true" : "false";
  if (kind == Kind::integer) return fmt::format("{}", value.i);
  const std::string digits = fmt::format("{}", value.f);
  return digits.find_first_of(".ein") == digits.npos ? digits + ".0" : digits;
}

bool same(const Domain& domain, Number a, Number b) {
  if (domain.kind != Kind::floating) return a.i == b.i;
  if (std::isnan(a.f) || std::isnan(b.f)) return std::isnan(a.f) && std::isnan(b.f);
  return a.f == b.f && std::signbit(a.f) == std::signbit(b.f);
}

std::optional<Number> Model::evaluate(ExprId id) const {
  const Expr& node = rules_[id];
  const Domain& d = domain(node.type);
  switch (node.kind) {
    case ExprKind::constant:
      if (d.kind == Kind::floating) return Number{0, rounded(d, node.constant.f)};
      return Number{d.kind == Kind::integer ? wrapped(node.constant.i, d.width) : node.constant.i,
                    0};
    case ExprKind::value: {
      const Variable& v = rules_.variable(node);
      switch (v.kind) {
        case Variable::width: return Number{d.width, 0};
        case Variable::lowest: return Number{-(int64_t{1} << (d.width - 1)), 0};
        case Variable::highest: return Number{(int64_t{1} << (d.width - 1)) - 1, 0};
        default: return values_[v.slot];
      }
    }
    case ExprKind::if_: {
      const auto condition = evaluate(node.args[0]);
      return condition ? evaluate(node.args[condition->i != 0 ? 1 : 2]) : std::nullopt;
    }
    default: break;
  }
  std::array<Number, 3> args;
  for (size_t i = 0; i < node.args.size(); ++i) {
    const auto arg = evaluate(node.args[i]);
    if (!arg) return std::nullopt;
    args[i] = *arg;
  }
  if (node.kind == ExprKind::convert) return convert(d, domain(rules_[node.args[0]].type), args[0]);
  return apply(node, {args.data(), node.args.size()});
}

std::optional<Number> Model::apply(const Expr& node, std::span<const Number> args) const {
  const Domain& d = domain(rules_[node.args.back()].type);
  switch (node.op) {
    case ScalarOp::eq:
      return Number{d.kind == Kind::floating ? args[0].f == args[1].f : args[0].i == args[1].i, 0};
    case ScalarOp::ne:
      return Number{d.kind == Kind::floating ? args[0].f != args[1].f : args[0].i != args[1].i, 0};
    case ScalarOp::select: return args[0].i != 0 ? args[1] : args[2];
    case ScalarOp::and_: return Number{args[0].i & args[1].i, 0};
    case ScalarOp::or_: return Number{args[0].i | args[1].i, 0};
    case ScalarOp::not_: return Number{1 - args[0].i, 0};
    case ScalarOp::from_bits: {
      const Domain& to = domain(node.type);
      return Number{0, decoded(to, args[0].i & ((int64_t{1} << to.width) - 1))};
    }
    case ScalarOp::bits: {
      const Domain& to = domain(node.type);
      return Number{wrapped(encoded(d, args[0].f), to.width), 0};
    }
    default: break;
  }
  if (d.kind == Kind::floating) return floating(d, node.op, args);
  const bool divides = node.op == ScalarOp::div || node.op == ScalarOp::mod;
  if (divides && args[1].i == 0) return std::nullopt;
  return integer(d, node.op, args);
}

Number Model::integer(const Domain& d, ScalarOp op, std::span<const Number> args) const {
  const int64_t a = args[0].i, b = args.size() > 1 ? args[1].i : 0;
  const uint64_t mask = (uint64_t{1} << d.width) - 1;
  const int count = static_cast<int>(b & (d.width - 1));
  const auto number = [&](int64_t value) { return Number{wrapped(value, d.width), 0}; };
  switch (op) {
    case ScalarOp::add: return number(a + b);
    case ScalarOp::sub: return number(a - b);
    case ScalarOp::mul: return number(a * b);
    case ScalarOp::div: return number(a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0));
    case ScalarOp::mod: return number(a % b + (a % b != 0 && (a < 0) != (b < 0) ? b : 0));
    case ScalarOp::neg: return number(-a);
    case ScalarOp::abs: return number(a < 0 ? -a : a);
    case ScalarOp::min: return number(std::min(a, b));
    case ScalarOp::max: return number(std::max(a, b));
    case ScalarOp::lt: return {a < b, 0};
    case ScalarOp::le: return {a <= b, 0};
    case ScalarOp::gt: return {a > b, 0};
    case ScalarOp::ge: return {a >= b, 0};
    case ScalarOp::bit_and: return number(a & b);
    case ScalarOp::bit_or: return number(a | b);
    case ScalarOp::bit_xor: return number(a ^ b);
    case ScalarOp::shl: return number(a << count);
    case ScalarOp::shr: return number(a >> count);
    case ScalarOp::ushr:
      return number(static_cast<int64_t>((static_cast<uint64_t>(a) & mask) >> count));
    default: throw std::logic_error(fmt::format("no model of `{}`", runtime::row(op).text));
  }
}

Number Model::floating(const Domain& d, ScalarOp op, std::span<const Number> args) const {
  const double a = args[0].f, b = args.size() > 1 ? args[1].f : 0;
  const auto number = [&](double value) { return Number{0, rounded(d, value)}; };
  const auto truth = [&](bool value) { return Number{value, 0}; };
  switch (op) {
    case ScalarOp::add: return number(a + b);
    case ScalarOp::sub: return number(a - b);
    case ScalarOp::mul: return number(a * b);
    case ScalarOp::div: return number(a / b);
    case ScalarOp::neg: return number(-a);
    case ScalarOp::abs: return number(std::fabs(a));
    case ScalarOp::min:
      if (a == b) return number(std::signbit(a) ? a : b);
      return number(a < b ? a : b < a ? b : a + b);
    case ScalarOp::max:
      if (a == b) return number(std::signbit(a) ? b : a);
      return number(a > b ? a : b > a ? b : a + b);
    case ScalarOp::floor: return number(std::floor(a));
    case ScalarOp::ceil: return number(std::ceil(a));
    case ScalarOp::round: return number(std::nearbyint(a));
    case ScalarOp::sqrt: return number(std::sqrt(a));
    case ScalarOp::rsqrt: return number(1 / rounded(d, std::sqrt(a)));
    case ScalarOp::fma: return number(a * b + args[2].f);
    case ScalarOp::isnan: return truth(std::isnan(a));
    case ScalarOp::lt: return truth(a < b);
    case ScalarOp::le: return truth(a <= b);
    case ScalarOp::gt: return truth(a > b);
    case ScalarOp::ge: return truth(a >= b);
    default: throw std::logic_error(fmt::format("no model of `{}`", runtime::row(op).text));
  }
}

Number Model::convert(const Domain& to, const Domain& from, Number value) const {
  const bool from_float = from.kind == Kind::floating;
  switch (to.kind) {
    case Kind::boolean: return {from_float ? value.f != 0 : value.i != 0, 0};
    case Kind::floating:
      return {0, rounded(to, from_float ? value.f : static_cast<double>(value.i))};
    case Kind::integer: break;
  }
  if (!from_float) return {wrapped(value.i, to.width), 0};
  if (std::isnan(value.f)) return {0, 0};
  const double bound = std::ldexp(1.0, to.width - 1);
  return {static_cast<int64_t>(std::trunc(std::clamp(value.f, -bound, bound - 1))), 0};
}

}  // namespace tenon::tests
