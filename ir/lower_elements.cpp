// Tensors inside of bodies: an element of one that is made on the way is the expression that makes it.
#include <algorithm>

#include "ir/lower_body.h"

namespace tenon::ir {

BodyLowering::MaybeExpr BodyLowering::lower_of(const typed::Element& node, const TypedExpr& expr,
                                               Scope& scope) {
  const std::optional<Tensor> whole = tensor(*node.tensor, scope);
  if (!whole) return std::nullopt;
  std::vector<ExprId> subscripts;
  for (const TypedExpr& subscript : node.subscripts) {
    const bool may_be_skipped = node.otherwise && !subscripts.empty();
    const MaybeExpr lowered =
        may_be_skipped ? lower_conditional(subscript, scope) : lower(subscript, scope);
    if (!lowered) return std::nullopt;
    // The checks before the value after `else` repeat it: nested, that would grow without end.
    if (node.otherwise && exprs_[*lowered].tree_size > kMaxTreeSize) return std::nullopt;
    subscripts.push_back(*lowered);
  }
  const Span span = subscripts_span(node.subscripts, expr.span);
  const DType type = expr.type.dtype;
  if (!node.otherwise) return access(*whole, type, std::move(subscripts), false, span);

  const MaybeExpr inside = in_range_condition(subscripts, node.tensor->type.concrete_shape());
  conditional_ += inside.has_value();
  const MaybeExpr element = access(*whole, type, std::move(subscripts), true, span);
  conditional_ -= inside.has_value();
  if (!element || !inside) return element;
  const MaybeExpr otherwise = lower_conditional(*node.otherwise, scope);
  if (!otherwise) return std::nullopt;
  return exprs_.if_(*inside, *element, *otherwise);
}

/// `0 <= s and s < extent` for each subscript in turn, without what is proved; nothing if all is.
BodyLowering::MaybeExpr BodyLowering::in_range_condition(std::span<const ExprId> subscripts,
                                                         const Shape& shape) {
  std::vector<ExprId> conditions;
  for (size_t axis = 0; axis < subscripts.size(); ++axis) {
    const ExprId subscript = subscripts[axis];
    const Range range = range_of(out_, subscript, levels_);
    const bool keep = may_fail(subscript);  // it must be evaluated, and now
    if (keep || range.lo < 0) {
      conditions.push_back(exprs_.apply(ScalarOp::le, {integer(0), subscript}));
    }
    if (keep || range.hi >= shape[axis]) {
      conditions.push_back(exprs_.apply(ScalarOp::lt, {subscript, integer(shape[axis])}));
    }
  }
  if (conditions.empty()) return std::nullopt;
  ExprId all = conditions.back();
  for (size_t i = conditions.size() - 1; i-- > 0;) {
    all = exprs_.if_(conditions[i], all, exprs_.constant(Scalar::boolean(false)));
  }
  return all;
}

std::optional<BodyLowering::Tensor> BodyLowering::tensor(const TypedExpr& expr, Scope& scope) {
  if (const auto* variable = std::get_if<typed::Variable>(&expr.node)) {
    const auto bound = scope.bindings.find(variable->var);
    if (bound != scope.bindings.end()) return std::get<Tensor>(bound->second);
    return around_.read(variable->var);
  }
  if (const auto field = outer_field(expr, scope)) return *field;
  if (may_hoist(expr, scope)) return hoist(expr);
  if (std::holds_alternative<typed::Compute>(expr.node) ||
      std::holds_alternative<typed::IfExpr>(expr.node)) {
    return Lazy{&expr, &scope};
  }
  return std::nullopt;
}

BodyLowering::MaybeExpr BodyLowering::access(const Tensor& tensor, DType type,
                                             std::vector<ExprId> subscripts, bool guarded,
                                             Span span) {
  if (const auto* lazy = std::get_if<Lazy>(&tensor)) {
    if (const auto* compute = std::get_if<typed::Compute>(&lazy->expr->node)) {
      return access_compute(*compute, *lazy->scope, subscripts, guarded);
    }
    return access_if(std::get<typed::IfExpr>(lazy->expr->node), *lazy->scope, type, subscripts,
                     guarded, span);
  }
  const ValueId value = std::get<ValueId>(tensor);
  const Shape& shape = around_.shared().module.type(out_, value).shape;
  bool in_range = guarded;
  if (!guarded) {
    in_range = true;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      in_range = in_range && proved_in_range(subscripts[axis], shape[axis]);
    }
  }
  const ExprId id = exprs_.read(value, type, std::move(subscripts));
  return at_site(id, span, !in_range);
}

/// One element of a tensor that is never made. Its other elements are not evaluated, so none may
/// fail; and neither may operands or subscripts, which now are evaluated where they are used, if at
/// all.
BodyLowering::MaybeExpr BodyLowering::access_compute(const typed::Compute& node, Scope& scope,
                                                     const std::vector<ExprId>& subscripts,
                                                     bool guarded) {
  for (size_t axis = 0; axis < subscripts.size() && !guarded; ++axis) {
    const int64_t extent = node.indices[axis].extent.value();
    if (may_fail(subscripts[axis]) || !proved_in_range(subscripts[axis], extent))
      return std::nullopt;
  }
  const auto saved = scope.bindings;
  const size_t failures = failures_;
  ++inlining_;
  bool bound = true;
  for (const typed::Operand& operand : node.operands) {
    if (operand.value->type.is_scalar()) {
      const MaybeExpr value = lower(*operand.value, scope);
      bound = bound && value;
      if (value) scope.bindings[operand.var] = BoundScalar{*value, depth()};
    } else {
      const std::optional<Tensor> value = tensor(*operand.value, scope);
      bound = bound && value;
      if (value) scope.bindings[operand.var] = *value;
    }
    if (!bound) break;
  }
  MaybeExpr body;
  if (bound) {
    for (size_t axis = 0; axis < subscripts.size(); ++axis) {
      ExprId value = subscripts[axis];
      const int64_t lo = node.indices[axis].lo;
      if (lo != 0) value = exprs_.apply(ScalarOp::add, {value, integer(lo)});
      scope.bindings[node.indices[axis].var] = BoundScalar{value, depth()};
      known_.push_back({value, {lo, lo + node.indices[axis].extent.value() - 1}});
    }
    body = lower(*node.body, scope);
    known_.resize(known_.size() - subscripts.size());
  }
  --inlining_;
  scope.bindings = saved;
  const bool fits = body && exprs_[*body].tree_size <= kMaxTreeSize && failures_ == failures;
  return fits ? body : std::nullopt;
}

BodyLowering::MaybeExpr BodyLowering::access_if(const typed::IfExpr& node, Scope& scope, DType type,
                                                const std::vector<ExprId>& subscripts, bool guarded,
                                                Span span) {
  const size_t failures = failures_;
  const MaybeExpr condition = lower(*node.condition, scope);
  if (!condition || failures_ != failures) return std::nullopt;
  const auto arm = [&](const TypedExpr& expr) -> MaybeExpr {
    ++conditional_;
    const std::optional<Tensor> whole = tensor(expr, scope);
    const MaybeExpr element =
        whole ? access(*whole, type, subscripts, guarded, span) : std::nullopt;
    --conditional_;
    return element;
  };
  const MaybeExpr then = arm(*node.then);
  const MaybeExpr otherwise = then ? arm(*node.otherwise) : std::nullopt;
  if (!otherwise) return std::nullopt;
  return exprs_.if_(*condition, *then, *otherwise);
}

}  // namespace tenon::ir
