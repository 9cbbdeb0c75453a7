#include "ast/typed.h"

#include <fmt/format.h>

namespace tenon::ast::typed {

std::string Type::text() const {
  std::string out(row(dtype).text);
  if (is_scalar()) return out;
  out += '[';
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) out += ", ";
    out += shape[axis].text();
  }
  return out + ']';
}

runtime::Shape Type::concrete_shape() const {
  runtime::Shape out;
  for (const Extent& extent : shape) out.push_back(extent.value());
  return out;
}

std::string Function::text() const {
  if (dimensions.empty()) return name;
  std::string list;
  for (const auto& [dimension, value] : dimensions) {
    list += fmt::format("{}{} = {}", list.empty() ? "" : ", ", dimension, value);
  }
  return fmt::format("{}[{}]", name, list);
}

Span subscripts_span(const std::vector<Expr>& subscripts, Span whole) {
  if (subscripts.empty()) return whole;
  const Span first = subscripts.front().span, last = subscripts.back().span;
  const bool together = first.known() && first.file == last.file && first.begin <= last.end;
  return together ? lexer::join(first, last) : whole;
}

}  // namespace tenon::ast::typed
