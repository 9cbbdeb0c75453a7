#include "ast/typed.h"

#include <fmt/format.h>

namespace tenon::ast::typed {

std::string Substitution::text(const std::string& parameter) const {
  if (auto it = dimensions.find(parameter); it != dimensions.end()) return it->second.text();
  if (auto it = types.find(parameter); it != types.end()) return std::string(row(it->second).text);
  auto it = runs.find(parameter);
  if (it == runs.end()) return "?";
  std::string out;
  for (const Extent& extent : it->second) out += (out.empty() ? "" : "x") + extent.text();
  return out;
}

bool Type::operator==(const Type& other) const {
  if (!aggregate || !other.aggregate) {
    return !aggregate && !other.aggregate && dtype == other.dtype && shape == other.shape;
  }
  if (aggregate == other.aggregate) return true;
  return aggregate->name == other.aggregate->name && aggregate->parts == other.aggregate->parts &&
         aggregate->arguments == other.aggregate->arguments;
}

std::string Type::text() const {
  if (aggregate) return aggregate->shown;
  std::string out(row(dtype).text);
  if (is_scalar()) return out;
  out += '[';
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) out += ", ";
    out += shape[axis].text();
  }
  return out + ']';
}

size_t Type::leaf_count() const {
  return aggregate ? aggregate->leaves : 1;
}

void Type::for_each_leaf(const std::function<void(const Type&)>& visit) const {
  if (!aggregate) return visit(*this);
  for (const Type& part : aggregate->parts) part.for_each_leaf(visit);
}

runtime::Shape Type::concrete_shape() const {
  runtime::Shape out;
  for (const Extent& extent : shape) out.push_back(extent.value());
  return out;
}

std::string Function::text() const {
  if (arguments.empty()) return name;
  std::string list;
  for (const auto& [parameter, value] : arguments) {
    list += fmt::format("{}{} = {}", list.empty() ? "" : ", ", parameter, value);
  }
  return fmt::format("{}[{}]", name, list);
}

namespace {

Span joined(Span first, Span last, Span whole) {
  const bool together = first.known() && first.file == last.file && first.begin <= last.end;
  return together ? lexer::join(first, last) : whole;
}

}  // namespace

Span subscripts_span(const std::vector<Expr>& subscripts, Span whole) {
  if (subscripts.empty()) return whole;
  return joined(subscripts.front().span, subscripts.back().span, whole);
}

Span subscripts_span(const std::vector<std::optional<Expr>>& subscripts, Span whole) {
  std::optional<Span> first, last;
  for (const std::optional<Expr>& subscript : subscripts) {
    if (!subscript) continue;
    if (!first) first = subscript->span;
    last = subscript->span;
  }
  return first ? joined(*first, *last, whole) : whole;
}

}  // namespace tenon::ast::typed
