#include "ir/lower_body.h"

#include <algorithm>
#include <limits>

namespace tenon::ir {
namespace {

/// Nodes looked at while tensors and calls are inlined into one body: repeated squares of squares
/// would otherwise be written out in full before they turn out to be too large.
constexpr uint32_t kMaxInlineSteps = 1 << 14;

bool is_scalar(const TypedExpr& expr) {
  return expr.type.is_scalar();
}

}  // namespace

BodyLowering::BodyLowering(FunctionLowering& around, std::span<const typed::ComputeIndex> indices)
    : around_(around),
      out_(around.out()),
      exprs_(out_.exprs),
      facts_(around.shared().facts),
      root_{true, &around.source(), {}} {
  for (const typed::ComputeIndex& index : indices) {
    const int64_t extent = index.extent.value();
    ExprId value = exprs_.index(depth());
    if (index.lo != 0) value = exprs_.apply(ScalarOp::add, {value, integer(index.lo)});
    extents_.push_back(extent);
    names_.push_back(name_of(index.var, root_));
    levels_.push_back({0, extent - 1});
    root_.bindings[index.var] = BoundScalar{value, depth()};
    if (extent == 0) conditional_ = 1;
  }
  for (auto& [var, binding] : root_.bindings) std::get<BoundScalar>(binding).depth = depth();
}

std::optional<Compute> BodyLowering::run(const TypedExpr& body) {
  const MaybeExpr root = lower(body, root_);
  if (!root || exprs_[*root].depth > kMaxExprDepth) return std::nullopt;
  for (const auto& [expr, placeholder] : hoists_) around_.settle(placeholder, around_.value(*expr));

  std::unordered_set<ExprId> present;
  for_each_node(exprs_, *root, [&](ExprId id) { present.insert(id); });
  std::erase_if(sites_, [&](const auto& site) { return !present.contains(site.first); });
  return Compute{extents_, {*root}, sites_, names_};
}

// ---- scalars

BodyLowering::MaybeExpr BodyLowering::lower(const TypedExpr& expr, Scope& scope) {
  if (inlining_ > 0 && ++inline_steps_ > kMaxInlineSteps) return std::nullopt;
  return std::visit([&](const auto& node) { return lower_of(node, expr, scope); }, expr.node);
}

BodyLowering::MaybeExpr BodyLowering::lower_conditional(const TypedExpr& expr, Scope& scope) {
  ++conditional_;
  const MaybeExpr result = lower(expr, scope);
  --conditional_;
  return result;
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Constant& node, const TypedExpr&,
                                               Scope&) {
  return exprs_.constant(node.value);
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Variable& node, const TypedExpr& expr,
                                               Scope& scope) {
  const auto bound = scope.bindings.find(node.var);
  if (bound == scope.bindings.end()) {
    return exprs_.value(around_.read(node.var), expr.type.dtype);
  }
  const BoundScalar& scalar = std::get<BoundScalar>(bound->second);
  if (scalar.depth == depth()) return scalar.id;
  // Below reductions that were not around it its own reductions bind later levels.
  std::vector<ExprId> same;
  for (uint32_t level = 0; level < scalar.depth; ++level) same.push_back(exprs_.index(level));
  const ExprId moved =
      substitute(exprs_, scalar.id, same, static_cast<int>(depth() - scalar.depth));
  if (moved != scalar.id && may_fail(scalar.id)) return std::nullopt;  // its places would be lost
  return moved;
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Apply& node, const TypedExpr& expr,
                                               Scope& scope) {
  std::vector<ExprId> args;
  for (const TypedExpr& arg : node.args) {
    const MaybeExpr lowered = lower(arg, scope);
    if (!lowered) return std::nullopt;
    args.push_back(*lowered);
  }
  const bool divides = (node.op == ScalarOp::div || node.op == ScalarOp::mod) &&
                       runtime::is_integer(expr.type.dtype);
  const ExprId id = exprs_.apply(node.op, args);
  if (divides) {
    const Range by = range_of(out_, args[1], levels_);
    return at_site(id, expr.span, by.lo <= 0 && by.hi >= 0);
  }
  return id;
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Convert& node, const TypedExpr& expr,
                                               Scope& scope) {
  const MaybeExpr operand = lower(*node.operand, scope);
  if (!operand) return std::nullopt;
  return exprs_.convert(expr.type.dtype, *operand);
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::IfExpr& node, const TypedExpr&,
                                               Scope& scope) {
  const MaybeExpr condition = lower(*node.condition, scope);
  if (!condition) return std::nullopt;
  const MaybeExpr then = lower_conditional(*node.then, scope);
  if (!then) return std::nullopt;
  const MaybeExpr otherwise = lower_conditional(*node.otherwise, scope);
  if (!otherwise) return std::nullopt;
  return exprs_.if_(*condition, *then, *otherwise);
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Reduce& node, const TypedExpr& expr,
                                               Scope& scope) {
  if (depth() > 0 && may_hoist(expr, scope)) return exprs_.value(hoist(expr), expr.type.dtype);
  std::vector<ExprId> bounds;
  std::vector<Range> ranges;
  bool empty = false;  // for all we know
  for (const typed::ReduceIndex& index : node.indices) {
    const MaybeExpr lo = lower(*index.lo, scope);
    const MaybeExpr hi = lo ? lower(*index.hi, scope) : lo;
    if (!hi) return std::nullopt;
    bounds.insert(bounds.end(), {*lo, *hi});
    const Range from = range_of(out_, *lo, levels_), to = range_of(out_, *hi, levels_);
    const int64_t last = to.hi == std::numeric_limits<int64_t>::min() ? to.hi : to.hi - 1;
    ranges.push_back({from.lo, last});
    empty = empty || from.hi >= to.lo;
  }
  const uint32_t level = depth();
  levels_.insert(levels_.end(), ranges.begin(), ranges.end());
  for (size_t i = 0; i < node.indices.size(); ++i) {
    const ExprId index = exprs_.index(level + static_cast<uint32_t>(i));
    scope.bindings[node.indices[i].var] = BoundScalar{index, depth()};
  }
  conditional_ += empty;
  const MaybeExpr body = lower(*node.body, scope);
  conditional_ -= empty;
  levels_.resize(level);
  for (const typed::ReduceIndex& index : node.indices) scope.bindings.erase(index.var);
  if (!body) return std::nullopt;

  std::vector<std::string> names;
  for (const typed::ReduceIndex& index : node.indices) names.push_back(name_of(index.var, scope));
  const ExprId id = exprs_.reduce(node.reduction, level, std::move(bounds), *body, std::move(names));
  switch (node.reduction) {
    case Reduction::sum:
    case Reduction::prod:
    case Reduction::any:
    case Reduction::all: return id;
    default: return at_site(id, expr.span, empty);
  }
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Compute& node, const TypedExpr&,
                                               Scope& scope) {  // of rank 0
  return access_compute(node, scope, {}, true);
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Pack&, const TypedExpr&, Scope&) {
  return std::nullopt;
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Load&, const TypedExpr& expr,
                                               Scope& scope) {
  if (!may_hoist(expr, scope)) return std::nullopt;
  return exprs_.value(hoist(expr), expr.type.dtype);
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Tuple&, const TypedExpr&, Scope&) {
  return std::nullopt;
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::ScatterAdd&, const TypedExpr&, Scope&) {
  return std::nullopt;
}

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Field&, const TypedExpr& expr,
                                               Scope& scope) {
  if (const auto field = outer_field(expr, scope)) return exprs_.value(*field, expr.type.dtype);
  if (!may_hoist(expr, scope)) return std::nullopt;
  return exprs_.value(hoist(expr), expr.type.dtype);
}

/// No index and no argument is a record: what a field is taken of is a variable around, if any.
std::optional<ValueId> BodyLowering::outer_field(const TypedExpr& expr, const Scope& scope) {
  if (!scope.is_root || !std::holds_alternative<typed::Field>(expr.node)) return std::nullopt;
  const auto leaf = around_.leaf_variable(expr);
  return leaf ? std::optional(around_.read(*leaf)) : std::nullopt;
}

// ---- calls

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Call& node, const TypedExpr& expr,
                                               Scope& scope) {
  const bool all_scalar = std::ranges::all_of(node.args, is_scalar);
  if (!all_scalar && may_hoist(expr, scope)) return exprs_.value(hoist(expr), expr.type.dtype);
  Inlining inlining{{false, node.callee, {}}, {}};
  std::vector<ExprId> scalars;
  if (!bind_args(node, scope, inlining, scalars)) return std::nullopt;
  if (facts_.inline_size(*node.callee)) {
    if (const MaybeExpr inlined = inline_body(*node.callee, inlining)) return inlined;
  }
  if (!all_scalar) return std::nullopt;
  if (may_hoist(expr, scope)) return exprs_.value(hoist(expr), expr.type.dtype);
  const ExprId id =
      exprs_.call(around_.shared().functions.at(node.callee), expr.type.dtype, scalars);
  return at_site(id, expr.span, facts_.may_fail(*node.callee));
}

bool BodyLowering::bind_args(const typed::Call& node, Scope& scope, Inlining& inlining,
                             std::vector<ExprId>& scalars) {
  for (size_t i = 0; i < node.args.size(); ++i) {
    const typed::VarId param = static_cast<typed::VarId>(i);
    if (node.args[i].type.aggregate) return false;
    if (!is_scalar(node.args[i])) {
      const std::optional<Tensor> arg = tensor(node.args[i], scope);
      if (!arg) return false;
      inlining.scope.bindings[param] = *arg;
      continue;
    }
    const size_t failures = failures_;
    const MaybeExpr arg = lower(node.args[i], scope);
    if (!arg) return false;
    if (failures_ != failures) inlining.fallible.push_back(*arg);
    inlining.arg_size += exprs_[*arg].tree_size;
    inlining.scope.bindings[param] = BoundScalar{*arg, depth()};
    scalars.push_back(*arg);
  }
  return true;
}

/// The value of the callee's `return`, with its lets put in.
BodyLowering::MaybeExpr BodyLowering::inline_body(const typed::Function& callee,
                                                  Inlining& inlining) {
  ++inlining_;
  MaybeExpr result;
  for (const typed::Stmt& stmt : callee.body) {
    const auto* define = std::get_if<typed::Define>(&stmt.node);
    const size_t failures = failures_;
    result =
        lower(define ? define->value : *std::get<typed::Return>(stmt.node).value, inlining.scope);
    if (!result) break;
    if (!define) continue;
    if (failures_ != failures) inlining.fallible.push_back(*result);
    inlining.scope.bindings[define->var] = BoundScalar{*result, depth()};
  }
  --inlining_;
  if (!result) return std::nullopt;
  const uint32_t size = exprs_[*result].tree_size;
  const uint32_t growth = size - std::min(size, inlining.arg_size);
  if (size > kMaxTreeSize || growth > inline_budget_) return std::nullopt;
  if (!evaluates_first(*result, inlining.fallible)) return std::nullopt;
  inline_budget_ -= growth;
  return result;
}

/// Whether evaluating `root` evaluates all of `wanted`, in this order, before anything else that
/// may fail: then a value put where it is used fails as it did where it was bound.
bool BodyLowering::evaluates_first(ExprId root, std::vector<ExprId> wanted) const {
  std::ranges::reverse(wanted);  // the next one is at the back
  std::unordered_set<ExprId> seen;
  const std::function<bool(ExprId)> walk = [&](ExprId id) {
    if (wanted.empty() || !seen.insert(id).second) return true;
    if (id == wanted.back()) {
      while (!wanted.empty() && seen.contains(wanted.back())) wanted.pop_back();
      return true;
    }
    const Expr& node = exprs_[id];
    size_t always = node.args.size();
    if (node.kind == ExprKind::if_) always = 1;
    if (node.kind == ExprKind::reduce) always = node.args.size() - 1;
    for (size_t i = 0; i < always; ++i) {
      if (!walk(node.args[i])) return false;
    }
    for (size_t i = always; i < node.args.size() && !wanted.empty(); ++i) {
      if (may_fail(node.args[i])) return false;
    }
    return wanted.empty() || !fallible_.contains(id);
  };
  return walk(root) && wanted.empty();
}

// ---- hoisting

/// Whether `expr` may be evaluated once, before the first element: it depends on no index, and it
/// either cannot fail or would be the first thing that fails.
bool BodyLowering::may_hoist(const TypedExpr& expr, const Scope& scope) {
  if (!scope.is_root) return false;
  const std::function<bool(const TypedExpr&)> is_free = [&](const TypedExpr& part) {
    const auto* variable = std::get_if<typed::Variable>(&part.node);
    bool free = !variable || !scope.bindings.contains(variable->var);
    for_each_child(part, [&](const TypedExpr& child) { free = free && is_free(child); });
    return free;
  };
  if (!is_free(expr)) return false;
  return (conditional_ == 0 && failures_ == 0) || !facts_.may_fail(expr);
}

ValueId BodyLowering::hoist(const TypedExpr& expr) {
  for (const auto& [hoisted, placeholder] : hoists_) {
    if (hoisted == &expr) return placeholder;
  }
  hoists_.emplace_back(&expr, out_.add_value(around_.type_of(expr), "t"));
  return hoists_.back().second;
}

// ---- failing

/// The node as it stands at `span`. Places are numbered from 1 in every compute, so that equal
/// computes stay equal.
ExprId BodyLowering::at_site(ExprId id, Span span, bool may_fail) {
  if (may_fail) {
    const auto known = std::ranges::find(places_, span);
    const size_t place = known - places_.begin() + 1;
    if (known == places_.end()) places_.push_back(span);
    id = exprs_.with_place(id, static_cast<uint32_t>(place));
    fallible_.insert(id);
    ++failures_;
  }
  if (has_site_.insert(id).second) sites_.emplace_back(id, span);
  return id;
}

bool BodyLowering::may_fail(ExprId root) const {
  bool fails = false;
  for_each_node(exprs_, root, [&](ExprId id) { fails = fails || fallible_.contains(id); });
  return fails;
}

bool BodyLowering::proved_in_range(ExprId subscript, int64_t extent) const {
  const auto inside = [&](Range range) { return range.lo >= 0 && range.hi < extent; };
  const auto known = [&](const auto& fact) {
    return fact.first == subscript && inside(fact.second);
  };
  return std::ranges::any_of(known_, known) || inside(range_of(out_, subscript, levels_));
}

}  // namespace tenon::ir
