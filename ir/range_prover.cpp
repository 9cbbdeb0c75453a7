// Interval arithmetic over linear sums. An expression is first written as a sum of multiples of
// atoms, which is exact; then the atoms' ranges bound it. Known inequalities are sums, too: one
// with just the terms of what is asked (or their negatives) bounds it directly, so that under `t <=
// i` the subscript `i - t` is not negative.
#include "ir/range_prover.h"

#include <algorithm>
#include <limits>

namespace tenon::ir {
namespace {

constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();

int64_t clamp(Wide value) {
  return static_cast<int64_t>(std::clamp<Wide>(value, kLowest, kHighest));
}

constexpr int64_t kFuelPerNode = 500;

std::optional<int64_t> constant_of(const Linear& sum) {
  return sum.terms.empty() ? std::optional(sum.constant) : std::nullopt;
}

}  // namespace

RangeProver::RangeProver(const Function& function, const Compute& compute, RangeOfValue range_of_value)
    : RangeProver(function, {}, kFuelPerQuery, std::move(range_of_value)) {
  for (const int64_t extent : compute.extents) levels_.push_back({0, extent - 1});
  for_each_node(function.exprs, compute.bodies, [&](ExprId) { fuel_ += kFuelPerNode; });
}

void RangeProver::restore(const State& state) {
  levels_.resize(state.levels);
  at_most_zero_.resize(state.at_most_zero);
  nonzero_.resize(state.nonzero);
}

// ---- ranges

Range RangeProver::range(ExprId id) {
  if (!runtime::is_integer(node(id).type)) return range_of_type(node(id).type);
  return interval(linear(id));
}

bool RangeProver::is_nonzero(ExprId id) {
  const Linear sum = linear(id);
  const Range r = interval(sum);
  if (r.lo > 0 || r.hi < 0) return true;
  return std::find(nonzero_.begin(), nonzero_.end(), sum) != nonzero_.end();
}

/// The node as a sum; as itself where it may wrap around, or is no sum.
Linear RangeProver::linear(ExprId id) {
  if (--fuel_ >= 0) {
    const auto sum = unwrapped(id);
    if (sum && fits(*sum, node(id).type)) return *sum;
  }
  return {{{id, 1}}, 0};
}

/// The sum that the node is if it does not wrap around.
std::optional<Linear> RangeProver::unwrapped(ExprId id) {
  const Expr& expr = node(id);
  if (expr.kind == ExprKind::constant) return Linear{{}, expr.constant.i};
  if (expr.kind == ExprKind::convert && runtime::is_integer(node(expr.args[0]).type))
    return linear(expr.args[0]);
  if (expr.kind != ExprKind::apply) return std::nullopt;
  switch (expr.op) {
    case ScalarOp::add: return add(linear(expr.args[0]), 1, linear(expr.args[1]));
    case ScalarOp::sub: return add(linear(expr.args[0]), -1, linear(expr.args[1]));
    case ScalarOp::neg: return add({}, -1, linear(expr.args[0]));
    case ScalarOp::mul: {
      const Linear left = linear(expr.args[0]), right = linear(expr.args[1]);
      if (const auto factor = constant_of(left)) return add({}, *factor, right);
      if (const auto factor = constant_of(right)) return add({}, *factor, left);
      return std::nullopt;
    }
    default: return std::nullopt;
  }
}

bool RangeProver::fits(const Linear& sum, DType type) {
  const WideRange r = wide_interval(sum);
  const Range all = range_of_type(type);
  return all.lo <= r.lo && r.hi <= all.hi;
}

Range RangeProver::interval(const Linear& sum) {
  const WideRange r = wide_interval(sum);
  return {clamp(r.lo), clamp(r.hi)};
}

RangeProver::WideRange RangeProver::wide_interval(const Linear& sum) {
  constexpr Wide far = Wide{1} << 90;  // room for 2^36 terms
  WideRange result{sum.constant, sum.constant};
  for (const auto& [id, factor] : sum.terms) {
    const Range r = atom(id);
    const Wide at_lo = Wide{factor} * r.lo, at_hi = Wide{factor} * r.hi;
    result.lo += std::clamp(std::min(at_lo, at_hi), -far, far);
    result.hi += std::clamp(std::max(at_lo, at_hi), -far, far);
  }
  if (sum.terms.empty()) return result;
  for (const Linear& known : at_most_zero_) {
    fuel_ -= 1;
    if (known.terms == sum.terms)  // terms ≤ -known.constant
      result.hi = std::min(result.hi, Wide{sum.constant} - known.constant);
    const auto negative =
        known.terms.size() == sum.terms.size() ? add({}, -1, known) : std::nullopt;
    if (negative && negative->terms == sum.terms)  // terms ≥ known.constant
      result.lo = std::max(result.lo, Wide{sum.constant} + known.constant);
  }
  return result;
}

/// The values of a node that is no sum.
Range RangeProver::atom(ExprId id) {
  const Expr& expr = node(id);
  const Range all = range_of_type(expr.type);
  if (--fuel_ < 0) return all;
  Range r = all;
  switch (expr.kind) {
    case ExprKind::index:
      if (expr.level < levels_.size()) r = levels_[expr.level];
      break;
    case ExprKind::convert:
      if (node(expr.args[0]).type == DType::bool_) r = {0, 1};
      break;
    case ExprKind::apply: r = atom_of_apply(expr); break;
    case ExprKind::if_: r = if_range(expr); break;
    case ExprKind::reduce: r = reduce_range(expr); break;
    case ExprKind::value:
    case ExprKind::read:
      if (range_of_value_) r = range_of_value_(expr.value);
      break;
    case ExprKind::constant:
    case ExprKind::call: break;
  }
  for (const Linear& known : at_most_zero_) {
    if (known.terms.size() != 1 || known.terms[0].first != id) continue;
    const int64_t factor = known.terms[0].second;
    if (factor == 1) r.hi = std::min(r.hi, clamp(-Wide{known.constant}));
    if (factor == -1) r.lo = std::max(r.lo, known.constant);
  }
  return intersection(r, all);
}

Range RangeProver::atom_of_apply(const Expr& expr) {
  std::vector<Range> operands;
  for (const ExprId arg : expr.args) {
    operands.push_back(range(arg));
    if (operands.back().is_empty()) return range_of_type(expr.type);
  }
  return range_of_apply(expr.op, node(expr.args.back()).type, operands);
}

Range RangeProver::if_range(const Expr& expr) {
  Range result{1, 0};
  for (const bool holds : {true, false}) {
    in_branch(expr.args[0], holds, [&] { result = hull(result, range(expr.args[holds ? 1 : 2])); });
  }
  return result.is_empty() ? range_of_type(expr.type) : result;
}

Range RangeProver::reduce_range(const Expr& expr) {
  Range result = range_of_type(expr.type);
  switch (expr.reduction) {
    case Reduction::max:
    case Reduction::min: in_reduction(expr, [&] { result = range(expr.reduce_body()); }); break;
    case Reduction::argmax:
    case Reduction::argmin: result = index_range(expr, 0); break;
    default: break;
  }
  return result;
}

// ---- reductions

/// Where index number i lies; wide where that is nowhere.
Range RangeProver::index_range(const Expr& reduce, size_t i) {
  const Range lo = range(reduce.args[2 * i]), hi = range(reduce.args[2 * i + 1]);
  if (hi.hi <= lo.lo) return range_of_type(DType::i64);
  return {lo.lo, hi.hi - 1};
}

bool RangeProver::surely_runs(const Expr& reduce) {
  for (size_t i = 0; i < reduce.reduce_rank(); ++i) {
    const auto extent = add(linear(reduce.args[2 * i + 1]), -1, linear(reduce.args[2 * i]));
    if (!extent || interval(*extent).lo <= 0) return false;
  }
  return true;
}

bool RangeProver::never_runs(const Expr& reduce) {
  for (size_t i = 0; i < reduce.reduce_rank(); ++i)
    if (range(reduce.args[2 * i + 1]).hi <= range(reduce.args[2 * i]).lo) return true;
  return false;
}

/// lo ≤ index < hi, as ranges and as inequalities.
void RangeProver::bind_indices(const Expr& reduce) {
  std::vector<Range> ranges;
  std::vector<std::pair<Linear, Linear>> bounds;
  for (size_t i = 0; i < reduce.reduce_rank(); ++i) {
    ranges.push_back(index_range(reduce, i));
    bounds.emplace_back(linear(reduce.args[2 * i]), linear(reduce.args[2 * i + 1]));
  }
  if (levels_.size() < reduce.level) levels_.resize(reduce.level, range_of_type(DType::i64));
  levels_.insert(levels_.end(), ranges.begin(), ranges.end());
  for (size_t i = 0; i < bounds.size(); ++i) {
    const uint32_t level = reduce.level + static_cast<uint32_t>(i);
    const auto id = function_.exprs.find_index(level);
    if (!id) continue;
    const Linear index{{{*id, 1}}, 0};
    const auto& [lo, hi] = bounds[i];
    if (!lo.terms.empty()) assume_at_most_zero(add(lo, -1, index));
    if (!hi.terms.empty()) assume_at_most_zero(add(*add(index, 1, {{}, 1}), -1, hi));
  }
}

// ---- conditions

/// Remembers what `condition` having the value `holds` says. False if it cannot have it.
bool RangeProver::assume(ExprId condition, bool holds) {
  const Expr& expr = node(condition);
  if (--fuel_ < 0) return true;
  if (expr.kind == ExprKind::constant) return (expr.constant.i != 0) == holds;
  if (expr.kind == ExprKind::if_) {  // `a and b` is `if a { b } else { false }`
    const Expr& then = node(expr.args[1]);
    const Expr& otherwise = node(expr.args[2]);
    if (otherwise.kind == ExprKind::constant && (otherwise.constant.i != 0) != holds)
      return assume(expr.args[0], true) && assume(expr.args[1], holds);
    if (then.kind == ExprKind::constant && (then.constant.i != 0) != holds)
      return assume(expr.args[0], false) && assume(expr.args[2], holds);
    return true;
  }
  if (expr.kind != ExprKind::apply) return true;
  switch (expr.op) {
    case ScalarOp::not_: return assume(expr.args[0], !holds);
    case ScalarOp::and_:
      return !holds || (assume(expr.args[0], true) && assume(expr.args[1], true));
    case ScalarOp::or_:
      return holds || (assume(expr.args[0], false) && assume(expr.args[1], false));
    case ScalarOp::lt:
      return holds ? assume_comparison(ScalarOp::lt, expr.args[0], expr.args[1])
                   : assume_comparison(ScalarOp::le, expr.args[1], expr.args[0]);
    case ScalarOp::le:
      return holds ? assume_comparison(ScalarOp::le, expr.args[0], expr.args[1])
                   : assume_comparison(ScalarOp::lt, expr.args[1], expr.args[0]);
    case ScalarOp::gt:
      return holds ? assume_comparison(ScalarOp::lt, expr.args[1], expr.args[0])
                   : assume_comparison(ScalarOp::le, expr.args[0], expr.args[1]);
    case ScalarOp::ge:
      return holds ? assume_comparison(ScalarOp::le, expr.args[1], expr.args[0])
                   : assume_comparison(ScalarOp::lt, expr.args[0], expr.args[1]);
    case ScalarOp::eq:
    case ScalarOp::ne:
      return assume_comparison((expr.op == ScalarOp::eq) == holds ? ScalarOp::eq : ScalarOp::ne,
                               expr.args[0], expr.args[1]);
    default: return true;
  }
}

/// `op` is lt, le, eq or ne. Floats say nothing: comparisons with NaN are false both ways.
bool RangeProver::assume_comparison(ScalarOp op, ExprId left, ExprId right) {
  if (!runtime::is_integer(node(left).type)) return true;
  const auto difference = add(linear(left), -1, linear(right));
  if (!difference) return true;
  switch (op) {
    case ScalarOp::lt: return assume_at_most_zero(add(*difference, 1, {{}, 1}));
    case ScalarOp::le: return assume_at_most_zero(difference);
    case ScalarOp::eq:
      return assume_at_most_zero(difference) && assume_at_most_zero(add({}, -1, *difference));
    default:
      if (*difference == Linear{}) return false;
      nonzero_.push_back(*difference);
      return true;
  }
}

/// Each term is bounded by what the others leave: of `i - j ≤ 0` follows `i ≤ highest j`.
bool RangeProver::assume_at_most_zero(const std::optional<Linear>& sum) {
  if (!sum) return true;
  if (wide_interval(*sum).lo > 0) return false;
  if (sum->terms.empty()) return true;
  at_most_zero_.push_back(*sum);
  if (sum->terms.size() == 1) return true;
  for (const auto& term : sum->terms) {
    if (term.second != 1 && term.second != -1) continue;
    Linear others = *sum;
    std::erase(others.terms, term);
    const WideRange rest = wide_interval(others);
    if (rest.lo < kLowest || rest.lo > kHighest) continue;
    at_most_zero_.push_back({{term}, static_cast<int64_t>(rest.lo)});
  }
  return true;
}

}  // namespace tenon::ir
