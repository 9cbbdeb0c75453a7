// Element by element: operators, scalar built-ins and scalar functions on tensors become Compute
// nodes, with NumPy's broadcasting.

#include "ast/function_checker.h"

namespace tenon::ast {

bool is_leaf(const typed::Expr& e) {
  return std::holds_alternative<typed::Constant>(e.node) ||
         std::holds_alternative<typed::Variable>(e.node);
}

bool is_cheap(const typed::Expr& e) {
  auto* x = std::get_if<typed::Element>(&e.node);
  if (!x) return is_leaf(e);
  bool cheap = is_leaf(*x->tensor) && !x->otherwise;
  for (const typed::Expr& s : x->subscripts) cheap &= is_leaf(s);
  return cheap;
}

// [snippet element]
typed::Expr FunctionChecker::element(typed::VarId tensor, const std::vector<typed::VarId>& indices,
                                     const std::vector<Extent>& shape, Span span) {
  const typed::Type& type = type_of(tensor);
  typed::Element made{boxed(variable(tensor, span)), {}, nullptr};
  size_t skipped = shape.size() - type.shape.size();
  for (size_t axis = 0; axis < type.shape.size(); axis++) {
    bool repeats = is_one(type.shape[axis]) && !is_one(shape[axis + skipped]);
    made.subscripts.push_back(repeats ? index_constant(0, span)
                                      : variable(indices[axis + skipped], span));
  }
  return {{type.dtype, {}}, span, std::move(made)};
}
// [end]

std::optional<std::vector<Extent>> FunctionChecker::broadcast(const std::vector<Checked>& args,
                                                              std::string_view shown, Span span) {
  // [exercise broadcast]
  // [starter] // Your code here. This takes the longest shape, whatever the others are. Where two
  // [starter] // operands do not go together, refuse_broadcast(one, other, shown, span) says so.
  // [starter] static_cast<void>(shown), static_cast<void>(span);
  // [starter] std::vector<Extent> shape;
  // [starter] for (const Checked& a : args) {
  // [starter]   if (a.type().shape.size() > shape.size()) shape = a.type().shape;
  // [starter] }
  // [starter] return shape;
  std::vector<Extent> shape;
  std::vector<const Checked*> decides;  // by axis: the operand that its extent is from
  for (const Checked& a : args) {
    const auto& own = a.type().shape;
    if (own.size() > shape.size()) {
      const size_t missing = own.size() - shape.size();
      shape.insert(shape.begin(), missing, Extent(1));
      decides.insert(decides.begin(), missing, &a);
    }
    for (size_t axis = 1; axis <= own.size(); axis++) {
      const Extent& wanted = own[own.size() - axis];
      Extent& extent = shape[shape.size() - axis];
      const Checked*& decider = decides[decides.size() - axis];
      if (is_one(wanted)) continue;
      if (!is_one(extent) && !agree(extent, wanted)) {
        refuse_broadcast(*decider, a, shown, span);
        return std::nullopt;
      }
      const bool says_more = is_one(extent) || (!extent.constant() && wanted.constant());
      if (says_more) extent = wanted, decider = &a;
    }
  }
  return shape;
  // [end]
}

void FunctionChecker::refuse_broadcast(const Checked& a, const Checked& b, std::string_view shown,
                                       Span span) {
  auto& d = report(Diag::shapes_differ, span, a.type().text(), b.type().text());
  d.with_label(fmt::format("by `{}`", shown));
  show_broadcast(d, side(a.expr, "left"), side(b.expr, "right"));
  d.hint("extents must be equal or 1, counted from the last axis");
}

MaybeChecked FunctionChecker::lift(std::string_view shown, std::vector<Checked> args, Span span,
                                   const Body& body) {
  bool tensors = false;
  for (const Checked& a : args) tensors |= !a.type().is_scalar();
  std::vector<typed::Expr> scalars;
  if (!tensors) {
    for (Checked& a : args) scalars.push_back(std::move(a.expr));
    auto e = body(std::move(scalars));
    if (!e) return std::nullopt;
    return Checked{std::move(*e)};
  }
  auto shape = broadcast(args, shown, span);
  if (!shape) return std::nullopt;
  typed::Compute made;
  std::vector<typed::VarId> indices;
  for (const Extent& extent : *shape) {
    indices.push_back(hidden_index(span));
    made.indices.push_back({indices.back(), 0, extent});
  }
  for (Checked& a : args) {
    Span at = a.expr.span;
    if (std::holds_alternative<typed::Constant>(a.expr.node)) {
      scalars.push_back(std::move(a.expr));
      continue;
    }
    typed::VarId var;
    if (auto* v = std::get_if<typed::Variable>(&a.expr.node)) {
      var = v->var;
    } else {
      var = hidden_operand(a.type(), at);
      made.operands.push_back({var, boxed(std::move(a.expr))});
    }
    scalars.push_back(type_of(var).is_scalar() ? variable(var, at)
                                               : element(var, indices, *shape, at));
  }
  auto e = body(std::move(scalars));
  if (!e) return std::nullopt;
  typed::Type type{e->type.dtype, *shape};
  made.body = boxed(std::move(*e));
  return Checked{{std::move(type), span, std::move(made)}};
}

MaybeChecked FunctionChecker::filled(const typed::Type& type, typed::Expr value, Span span) {
  if (type.is_scalar()) return Checked{std::move(value)};
  typed::Compute made;
  if (!is_leaf(value)) {
    typed::VarId var = hidden_operand(value.type, value.span);
    made.operands.push_back({var, boxed(std::move(value))});
    value = variable(var, span);
  }
  for (const Extent& extent : type.shape) made.indices.push_back({hidden_index(span), 0, extent});
  made.body = boxed(std::move(value));
  return Checked{{type, span, std::move(made)}};
}

}  // namespace tenon::ast
