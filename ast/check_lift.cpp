// Element by element: operators, scalar built-ins and scalar functions on tensors become Compute
// nodes, with NumPy's broadcasting.

#include "ast/checker.h"

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

std::optional<std::vector<Extent>> FunctionChecker::broadcast(const std::vector<Checked>& args,
                                                              std::string_view shown, Span span) {
  std::vector<Extent> shape;
  const Checked* widest = nullptr;
  for (const Checked& a : args) {
    const auto& s = a.type().shape;
    if (s.size() > shape.size()) shape.insert(shape.begin(), s.size() - shape.size(), Extent(1));
    for (size_t i = 0; i < s.size(); i++) {
      Extent& extent = shape[shape.size() - s.size() + i];
      if (is_one(extent)) {
        extent = s[i];
      } else if (!is_one(s[i]) && !agree(extent, s[i])) {
        auto& d = report(Diag::shapes_differ, span, widest->type().text(), a.type().text());
        d.with_label(fmt::format("by `{}`", shown));
        d.note(widest->expr.span, fmt::format("`{}`: axis {} from the right is {}",
                                              widest->type().text(), s.size() - i, extent.text()));
        d.note(a.expr.span, fmt::format("`{}`: axis {} from the right is {}", a.type().text(),
                                        s.size() - i, s[i].text()));
        d.hint("extents must be equal or 1, counted from the last axis");
        return std::nullopt;
      } else if (extent.constant() == std::nullopt && s[i].constant()) {
        extent = s[i];
      }
    }
    if (!widest || s.size() > widest->type().shape.size()) widest = &a;
  }
  return shape;
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
