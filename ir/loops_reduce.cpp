// Reductions as loops: each has a local for what it has so far, which every element changes by a step.
#include <algorithm>
#include <limits>
#include <map>

#include "ir/loops_lowering.h"

namespace tenon::ir::loops {
namespace {

/// `number` as a value of `type`; infinities only of floats.
Scalar scalar(DType type, double number) {
  if (type == DType::bool_) return Scalar::boolean(number != 0);
  if (runtime::is_floating(type)) return Scalar::floating(type, number);
  if (number < 0) return Scalar::integer(type, runtime::lowest(type));
  if (number > 1) return Scalar::integer(type, runtime::highest(type));
  return Scalar::integer(type, static_cast<int64_t>(number));
}

/// What a reduction starts from and combines with. Starting max at minus infinity (the lowest
/// integer) is exact: no element is below it, and NaN wins over it.
struct Fold {
  ScalarOp combine;
  double start;
};
Fold fold_of(Reduction reduction) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  switch (reduction) {
    case Reduction::sum: return {ScalarOp::add, 0};
    case Reduction::prod: return {ScalarOp::mul, 1};
    case Reduction::max: return {ScalarOp::max, -inf};
    case Reduction::min: return {ScalarOp::min, inf};
    case Reduction::any: return {ScalarOp::or_, 0};
    case Reduction::all: return {ScalarOp::and_, 1};
    case Reduction::argmax: return {ScalarOp::gt, -inf};
    case Reduction::argmin: return {ScalarOp::lt, inf};
  }
  return {};
}

bool picks_place(Reduction reduction) {
  return reduction == Reduction::argmax || reduction == Reduction::argmin;
}

}  // namespace

// [snippet companions]
/// Reductions of the compute's bodies that are always evaluated, cannot fail, and run over the same
/// range share one loop: it is written for all of them where the first one is met.
void Lowering::find_companions() {
  if (!fallible_.empty()) return;
  std::map<std::vector<ExprId>, std::vector<ExprId>> by_bounds;
  std::vector<ExprId> always = compute_.bodies;
  std::unordered_set<ExprId> seen;
  while (!always.empty()) {
    const ExprId id = always.back();
    always.pop_back();
    if (!seen.insert(id).second) continue;
    const IndexExpr& node = function_.exprs[id];
    std::span<const ExprId> outside = node.args;
    if (node.kind == ExprKind::reduce) outside = outside.first(outside.size() - 1);
    if (node.kind == ExprKind::if_) outside = outside.first(1);
    always.insert(always.end(), outside.begin(), outside.end());
    if (node.kind == ExprKind::reduce) by_bounds[{outside.begin(), outside.end()}].push_back(id);
  }
  for (auto& [bounds, group] : by_bounds) {
    std::ranges::sort(group);
    if (!go_by_one_name(group)) continue;
    for (const ExprId id : group) companions_[id] = group;
  }
}
// [end]

/// Whether there is one loop for all that a schedule says of it.
bool Lowering::go_by_one_name(std::span<const ExprId> reductions) const {
  std::set<std::vector<std::string>> names;
  for (const ExprId id : reductions)
    if (function_.exprs[id].keeps_names) names.insert(function_.exprs[id].names);
  return names.size() <= 1;
}

/// Itself, and those to be written with it.
std::vector<ExprId> Lowering::companions_of(ExprId id) const {
  const auto found = companions_.find(id);
  const bool outermost = scopes_.size() == compute_.extents.size() + 1;
  return found == companions_.end() || !outermost ? std::vector{id} : found->second;
}

/// One that was met deeper inside, where its indices have other numbers, is the same reduction.
ExprPtr Lowering::lower_reduce(ExprId id, const IndexExpr& node) {
  if (ExprPtr known = find_reduction(key_of_reduction(function_.exprs, id))) return known;
  std::vector<Bounds> bounds = lower_bounds(node);
  for (const ExprId companion : companions_of(id)) {
    const IndexExpr& other = function_.exprs[companion];
    for (size_t i = 0; i < bounds.size() && other.keeps_names; ++i)
      bounds[i].name = other.names[i], bounds[i].keeps_name = true;
  }
  if (is_fallible(id)) {
    ExprPtr holds;
    for (const Bounds& b : bounds) holds = both(holds, apply(ScalarOp::lt, {b.lo, b.hi}));
    emit_check(id, holds, FaultKind::empty_reduction, nullptr, nullptr, ast::text(node.reduction));
  }
  std::vector<Reducing> together;
  for (const ExprId companion : companions_of(id)) together.push_back(start(companion, bounds[0]));
  const Span around = std::exchange(reducing_, span_of(id));
  emit_loops(bounds, [&] {
    for (const Reducing& reducing : together) step(reducing);
  });
  reducing_ = around;
  ExprPtr value;
  for (const Reducing& reducing : together) {
    if (reducing.id == id) value = reducing.value;
    scopes_.back().values.emplace(reducing.id, reducing.value);
    scopes_.back().reductions.emplace(key_of_reduction(function_.exprs, reducing.id), reducing.value);
  }
  return value;
}

std::vector<Lowering::Bounds> Lowering::lower_bounds(const IndexExpr& node) {
  std::vector<Bounds> bounds;
  for (size_t i = 0; i < node.reduce_rank(); ++i) {
    const ExprId lo = node.args[2 * i], hi = node.args[2 * i + 1];
    const int64_t first = range_of(function_, lo, ranges_).lo;
    const int64_t end = range_of(function_, hi, ranges_).hi;
    const Range range = end <= first ? Range{0, -1} : Range{first, end - 1};
    ExprPtr lo_value = lower(lo);
    bounds.push_back({std::move(lo_value), lower(hi), range,
                      i < node.names.size() ? node.names[i] : "", node.keeps_names});
  }
  return bounds;
}

/// Declares what a reduction starts from. The value of argmax and argmin is the place of the best.
Lowering::Reducing Lowering::start(ExprId id, const Bounds& bounds) {
  const IndexExpr& node = function_.exprs[id];
  const DType type = function_.exprs[node.reduce_body()].type;
  Reducing reducing{id, 0, 0, nullptr};
  declare(type, constant(scalar(type, fold_of(node.reduction).start)), &reducing.so_far);
  if (picks_place(node.reduction)) declare(DType::i64, bounds.lo, &reducing.place);
  const LocalId result = picks_place(node.reduction) ? reducing.place : reducing.so_far;
  reducing.value = make(node.type, Local{result, {}});
  return reducing;
}

void Lowering::step(const Reducing& reducing) {
  const IndexExpr& node = function_.exprs[reducing.id];
  if (picks_place(node.reduction)) return step_to_best(reducing);
  const bool reassociable =
      runtime::is_floating(node.type) &&
      (node.reduction == Reduction::sum || node.reduction == Reduction::prod);
  ExprPtr element = lower(node.reduce_body());
  ExprPtr so_far = make(node.type, Local{reducing.so_far, {}});
  assign(reducing.so_far, apply(fold_of(node.reduction).combine, {so_far, element}), reassociable);
}

/// A NaN is better than any number, the first better than later ones.
void Lowering::step_to_best(const Reducing& reducing) {
  const IndexExpr& node = function_.exprs[reducing.id];
  const DType type = function_.exprs[node.reduce_body()].type;
  LocalId local;
  ExprPtr element = declare(type, lower(node.reduce_body()), &local);
  ExprPtr so_far = make(type, Local{reducing.so_far, {}});
  ExprPtr better = apply(fold_of(node.reduction).combine, {element, so_far});
  if (runtime::is_floating(type)) {
    ExprPtr none_yet = apply(ScalarOp::not_, {apply(ScalarOp::isnan, {so_far})});
    ExprPtr first_nan = both(apply(ScalarOp::isnan, {element}), std::move(none_yet));
    better = apply(ScalarOp::or_, {better, first_nan});
  }
  Block replace = in_branch([&] {
    assign(reducing.place, levels_.back());
    assign(reducing.so_far, element);
  });
  emit(If{std::move(better), std::move(replace), {}});
}

}  // namespace tenon::ir::loops
