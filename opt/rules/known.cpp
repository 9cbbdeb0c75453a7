#include "opt/rules/known.h"

#include <algorithm>

namespace tenon::opt {

using namespace ir;

std::optional<Scalar> Known::constant(ExprId id) const {
  const Expr& node = rules_[id];
  if (node.kind == ExprKind::constant) return node.constant;
  if (node.kind == ExprKind::value) return constant(rules_.variable(node));
  std::vector<Scalar> args;
  for (const ExprId arg : node.args) {
    const auto value = constant(arg);
    if (!value) return std::nullopt;
    args.push_back(*value);
  }
  if (node.kind == ExprKind::if_) return args[args[0].i != 0 ? 1 : 2];
  if (node.kind == ExprKind::convert) return runtime::convert(node.type, args[0]);
  if (runtime::divides_by_zero(node.op, args)) return std::nullopt;
  return runtime::eval(node.op, args);
}

std::optional<Scalar> Known::constant(const Variable& v) const {
  switch (v.kind) {
    case Variable::width: return Scalar::integer(v.type, runtime::bits_of(v.type));
    case Variable::lowest: return Scalar::integer(v.type, runtime::lowest(v.type));
    case Variable::highest: return Scalar::integer(v.type, runtime::highest(v.type));
    case Variable::constant:
    case Variable::term: return match_.constants[v.slot];
  }
  return std::nullopt;
}

bool Known::is_computable(ExprId id) const {
  if (rules_.is_constant(id)) return constant(id).has_value();
  return std::ranges::all_of(rules_[id].args, [&](ExprId arg) { return is_computable(arg); });
}

namespace {

Wide floor_div(Wide a, Wide positive) {
  return a / positive - (a % positive < 0 ? 1 : 0);
}

}  // namespace

std::optional<Known::Interval> Known::interval(ExprId id) const {
  const Expr& node = rules_[id];
  if (!runtime::is_integer(node.type)) return std::nullopt;
  std::optional<Interval> result;
  if (node.kind == ExprKind::constant) {
    result = {node.constant.i, node.constant.i};
  } else if (node.kind == ExprKind::value) {
    if (const auto value = constant(id)) return Interval{value->i, value->i};
    const Range range = terms_.range(match_.terms[rules_.variable(node).slot]);
    result = {range.lo, range.hi};
  } else if (node.kind == ExprKind::if_) {
    const auto then = interval(node.args[1]), otherwise = interval(node.args[2]);
    if (then && otherwise)
      result = {std::min(then->lo, otherwise->lo), std::max(then->hi, otherwise->hi)};
  } else if (node.kind == ExprKind::apply) {
    result = interval_of_apply(node);
  }
  const bool fits = result && result->lo >= runtime::lowest(node.type) &&
                    result->hi <= runtime::highest(node.type);
  return fits ? result : std::nullopt;
}

bool Known::never_wraps(ExprId id) const {
  if (runtime::is_integer(rules_[id].type)) return interval(id).has_value();
  return std::ranges::all_of(rules_[id].args, [&](ExprId arg) { return never_wraps(arg); });
}

std::optional<Known::Interval> Known::interval_of_apply(const Expr& node) const {
  std::vector<Interval> args;
  for (const ExprId arg : node.args) {
    const bool condition = node.op == ScalarOp::select && args.empty();
    const auto part = condition ? Interval{0, 1} : interval(arg);
    if (!part) return std::nullopt;
    args.push_back(*part);
  }
  const Interval x = args[0], y = args[args.size() > 1 ? 1 : 0];
  switch (node.op) {
    case ScalarOp::add: return Interval{x.lo + y.lo, x.hi + y.hi};
    case ScalarOp::sub: return Interval{x.lo - y.hi, x.hi - y.lo};
    case ScalarOp::neg: return Interval{-x.hi, -x.lo};
    case ScalarOp::min: return Interval{std::min(x.lo, y.lo), std::min(x.hi, y.hi)};
    case ScalarOp::max: return Interval{std::max(x.lo, y.lo), std::max(x.hi, y.hi)};
    case ScalarOp::select: return Interval{std::min(y.lo, args[2].lo), std::max(y.hi, args[2].hi)};
    case ScalarOp::abs:
      return Interval{x.lo > 0 ? x.lo : x.hi < 0 ? -x.hi : 0, std::max(-x.lo, x.hi)};
    case ScalarOp::mul: {
      const Wide corners[] = {x.lo * y.lo, x.lo * y.hi, x.hi * y.lo, x.hi * y.hi};
      const auto [lo, hi] = std::minmax_element(std::begin(corners), std::end(corners));
      return Interval{*lo, *hi};
    }
    case ScalarOp::div:  // by a positive number: monotone in x, and toward 0 in y
      if (y.lo <= 0) return std::nullopt;
      return Interval{floor_div(x.lo, x.lo < 0 ? y.lo : y.hi),
                      floor_div(x.hi, x.hi < 0 ? y.hi : y.lo)};
    case ScalarOp::mod: {
      if (y.lo <= 0) return std::nullopt;
      if (y.lo == y.hi && floor_div(x.lo, y.lo) == floor_div(x.hi, y.lo)) {
        const Wide whole = floor_div(x.lo, y.lo) * y.lo;
        return Interval{x.lo - whole, x.hi - whole};
      }
      if (x.lo >= 0 && x.hi < y.lo) return x;
      return Interval{0, y.hi - 1};
    }
    default: return std::nullopt;
  }
}

bool Known::holds(ExprId guard, bool wraps) const {
  const Expr& node = rules_[guard];
  if (wraps) {
    if (const auto value = constant(guard)) return value->i != 0;
  }
  if (node.kind == ExprKind::constant) return node.constant.i != 0;
  if (node.kind != ExprKind::apply) return false;
  if (node.op == ScalarOp::and_) return holds(node.args[0], wraps) && holds(node.args[1], wraps);
  if (node.op == ScalarOp::or_) return holds(node.args[0], wraps) || holds(node.args[1], wraps);
  return comparison_holds(node);
}

bool Known::comparison_holds(const Expr& node) const {
  if (node.args.size() != 2) return false;
  const auto x = interval(node.args[0]), y = interval(node.args[1]);
  if (!x || !y) return false;
  switch (node.op) {
    case ScalarOp::lt: return x->hi < y->lo;
    case ScalarOp::le: return x->hi <= y->lo;
    case ScalarOp::gt: return x->lo > y->hi;
    case ScalarOp::ge: return x->lo >= y->hi;
    case ScalarOp::eq: return x->lo == x->hi && y->lo == y->hi && x->lo == y->lo;
    case ScalarOp::ne: return x->hi < y->lo || x->lo > y->hi;
    default: return false;
  }
}

}  // namespace tenon::opt
