// Parts: subscripts left open, and values that are repeated to fill them.
#include "ast/function_checker.h"

namespace tenon::ast {

typed::Type FunctionChecker::part_type(const typed::Type& base, const Subscripts& subscripts) {
  typed::Type out{base.dtype, {}};
  for (size_t axis = 0; axis < subscripts.size(); axis++) {
    if (!subscripts[axis]) out.shape.push_back(base.shape[axis]);
  }
  return out;
}

/// A new tensor over the axes left open. The subscripts that are given are evaluated once.
MaybeChecked FunctionChecker::part(typed::Expr base, Subscripts subscripts, Span span) {
  typed::Type type = part_type(base.type, subscripts);
  typed::Compute made;
  auto named = [&](typed::Expr e) {
    if (is_leaf(e)) return e;
    const Span at = e.span;
    typed::VarId id = hidden_operand(e.type, at);
    made.operands.push_back({id, boxed(std::move(e))});
    return variable(id, at);
  };
  typed::Element element{boxed(named(std::move(base))), {}, nullptr};
  for (auto& s : subscripts) {
    if (s) {
      element.subscripts.push_back(named(std::move(*s)));
      continue;
    }
    typed::VarId index = hidden_index(span);
    made.indices.push_back({index, 0, type.shape[made.indices.size()]});
    element.subscripts.push_back(variable(index, span));
  }
  made.body = boxed(typed::Expr{{type.dtype, {}}, span, std::move(element)});
  return Checked{{std::move(type), span, std::move(made)}};
}

std::optional<typed::Expr> FunctionChecker::repeated(Checked value, const typed::Type& type,
                                                     const Origin& origin) {
  const std::vector<Extent> shape = value.type().shape;
  bool fits = !value.type().aggregate && shape.size() <= type.shape.size();
  bool same = fits && shape.size() == type.shape.size();
  for (size_t i = 0; fits && i < shape.size(); i++) {
    const Extent& wanted = type.shape[type.shape.size() - shape.size() + i];
    const bool equal = agree(shape[i], wanted);
    same &= equal;
    fits = equal || is_one(shape[i]);
  }
  if (!fits) {
    coerce(value, type, origin);  // says what is wrong
    return std::nullopt;
  }
  if (!coerce(value, type.dtype, origin)) return std::nullopt;
  if (same) return std::move(value.expr);
  if (shape.empty()) {
    auto made = filled(type, std::move(value.expr), value.expr.span);
    return std::move(made->expr);
  }
  const Span span = value.expr.span;
  typed::Compute made;
  std::vector<typed::VarId> indices;
  for (const Extent& extent : type.shape) {
    indices.push_back(hidden_index(span));
    made.indices.push_back({indices.back(), 0, extent});
  }
  typed::VarId operand = hidden_operand(value.type(), span);
  made.operands.push_back({operand, boxed(std::move(value.expr))});
  made.body = boxed(element(operand, indices, type.shape, span));
  return typed::Expr{type, span, std::move(made)};
}

}  // namespace tenon::ast
