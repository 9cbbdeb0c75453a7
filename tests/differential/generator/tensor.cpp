// Expressions for a tensor type. They may write definitions of what they need, before the statement
// that they are part of; so they stand outside index definitions only.
#include <algorithm>

#include "tests/differential/generator/generator.h"

namespace tenon::differential {

std::string Generator::tensor(const Type& type, int depth) {
  struct Row {
    std::string_view feature;
    size_t weight;
    std::string (Generator::*make)(const Type&, int);
  };
  static constexpr Row kForms[] = {
#define TENSOR_FORM(name, weight, meaning) {"tensor: " #name, weight, &Generator::tensor_##name},
#include "tests/differential/generator/forms.def"
  };
  cost_ += work_ * std::max(differential::count(type.shape), 1);
  const Row* row = kForms;
  if (depth > 0 && !tired()) {
    row = &choices_.weighted(kForms, [](const Row& each) { return each.weight; });
  }
  std::string text = (this->*row->make)(type, depth - 1);
  if (text.empty()) {
    row = kForms;
    text = tensor_variable(type, 0);
  }
  count(row->feature);
  return text;
}

std::string Generator::value(const Type& type, int depth) {
  return type.is_scalar() ? scalar(type.element, depth) : tensor(type, depth);
}

std::string Generator::in_context(const Type& type, int depth) {
  static constexpr std::string_view kFilled[] = {"zeros()", "ones()"};
  if (type.is_scalar() || !chance(80)) return value(type, depth);
  switch (choices_.below(3)) {
    case 0: return std::string(choices_.among(kFilled));
    case 1: return fmt::format("full({})", scalar(type.element, 1));
    default: return reshaped(type, depth);
  }
}

/// From another shape of as many elements.
std::string Generator::reshaped(const Type& type, int depth) {
  if (!is_known(type.shape)) return tensor(type, depth);
  const int count = differential::count(type.shape);
  std::vector<Shape> shapes = {{extent(count)}, {extent(1), extent(count)}};
  for (int first = 2; first < count; ++first) {
    if (count % first == 0) shapes.push_back({extent(first), extent(count / first)});
  }
  return fmt::format("reshape({})", tensor({type.element, choices_.among(shapes)}, depth));
}

// ---- forms

std::string Generator::tensor_variable(const Type& type, int depth) {
  const Variable* variable = any_variable(type);
  return variable == nullptr ? tensor_definition(type, depth) : variable->name;
}

std::string Generator::tensor_definition(const Type& type, int) {
  const Mark before = mark();
  const size_t work = work_;
  std::vector<std::string> heads;
  for (const Extent& each : type.shape) heads.push_back(bind(each, "m"));
  const std::string body = scalar(type.element, tired() ? 0 : 2);
  back_to(before);
  work_ = work;
  const std::string name = new_name("t");
  line("let {}[{}] = {};", name, joined(heads), body);
  declare(name, type);
  return name;
}

/// `op` on tensors; one of two operands may have fewer axes, axes of 1 element, or be a scalar.
std::string Generator::tensor_operation(const Type& type, int depth) {
  using runtime::ScalarOp;
  static constexpr ScalarOp kNumbers[] = {ScalarOp::add, ScalarOp::sub, ScalarOp::mul,
                                          ScalarOp::max, ScalarOp::min, ScalarOp::neg,
                                          ScalarOp::abs};
  static constexpr ScalarOp kBools[] = {ScalarOp::lt,  ScalarOp::eq,   ScalarOp::and_,
                                        ScalarOp::or_, ScalarOp::not_, ScalarOp::ge};
  const ScalarOp op =
      type.element == DType::bool_ ? choices_.among(kBools) : choices_.among(kNumbers);
  const runtime::ScalarOpRow& row = runtime::row(op);
  Type whole = type;
  if (row.result == runtime::Result::boolean) whole.element = number_type();
  std::vector<std::string> operands{tensor(whole, depth)};
  if (row.arity == 2) {
    Type other = whole;
    switch (choices_.below(5)) {
      case 0: break;
      case 1: other.shape.clear(); break;
      case 2: other.shape.erase(other.shape.begin()); break;
      default:
        choices_.chance(128) ? other.shape.front() = extent(1) : other.shape.back() = extent(1);
    }
    operands.push_back(value(other, depth));
    if (chance(128) && !other.is_scalar()) std::swap(operands[0], operands[1]);
  }
  return operation(op, whole.element, std::move(operands));
}

std::string Generator::tensor_conversion(const Type& type, int depth) {
  const DType from = any_type();
  return fmt::format("{}({})", runtime::row(type.element).text, tensor({from, type.shape}, depth));
}

std::string Generator::tensor_part(const Type& type, int depth) {
  // A variable of one rank more with the wanted extents, or one made for it.
  const size_t axis = choices_.below(type.shape.size() + 1);
  if (type.shape.size() > 2) return {};
  Type whole = type;
  whole.shape.insert(whole.shape.begin() + static_cast<std::ptrdiff_t>(axis), extent(2));
  const Variable* found = nullptr;
  for (const Variable& each : variables_) {
    Type rest = each.type;
    if (rest.shape.size() != whole.shape.size() || rest.shape[axis].least == 0) continue;
    rest.shape.erase(rest.shape.begin() + static_cast<std::ptrdiff_t>(axis));
    if (rest == type) found = &each;
  }
  if (found != nullptr) whole = found->type;
  const std::string name = found != nullptr ? found->name : tensor_variable(whole, 1);
  std::vector<std::string> all(whole.shape.size(), ":");
  all[axis] = subscript(whole.shape[axis], depth);
  return fmt::format("{}[{}]", name, joined(all));
}

std::string Generator::tensor_literal(const Type& type, int) {
  if (!is_known(type.shape) || type.shape.size() > 2 || differential::count(type.shape) > 8)
    return {};
  if (differential::count(type.shape) == 0) return {};
  const int columns = type.shape.back().least;
  std::vector<std::string> rows, row;
  for (int i = 0; i < differential::count(type.shape); ++i) {
    row.push_back(chance(64) ? scalar(type.element, 1) : literal(type.element));
    if (static_cast<int>(row.size()) < columns) continue;
    rows.push_back(fmt::format("[{}]", joined(row)));
    row.clear();
  }
  return type.shape.size() == 1 ? rows[0] : fmt::format("[{}]", joined(rows));
}

std::string Generator::tensor_product(const Type& type, int depth) {
  if (type.element == DType::bool_ || type.shape.size() != 2) return {};
  const Extent inner = any_extent();
  std::string left;
  if (runtime::is_integer(type.element) && chance(128)) {  // a chain, whose order is free
    const Extent first = any_extent();
    left = tensor({type.element, {type.shape[0], first}}, depth);
    left = fmt::format("{} @ {}", left, tensor({type.element, {first, inner}}, depth));
  } else {
    left = tensor({type.element, {type.shape[0], inner}}, depth);
  }
  const std::string right = tensor({type.element, {inner, type.shape[1]}}, depth);
  return fmt::format("({} @ {})", small(type.element, left), small(type.element, right));
}

std::string Generator::tensor_concat(const Type& type, int depth) {
  const size_t axis = choices_.below(type.shape.size());
  if (!type.shape[axis].known || type.shape[axis].least == 0) return {};
  const int first = static_cast<int>(choices_.below(type.shape[axis].least + 1));
  Type left = type, right = type;
  left.shape[axis] = extent(first);
  right.shape[axis] = extent(type.shape[axis].least - first);
  const std::string where = axis == 0 && chance(128) ? "" : fmt::format("[axis = {}]", axis);
  const std::string before = tensor(left, depth);
  return fmt::format("concat{}({}, {})", where, before, tensor(right, depth));
}

std::string Generator::tensor_choice(const Type& type, int depth) {
  const std::string condition = this->condition(1), then = tensor(type, depth);
  return fmt::format("(if {} {{ {} }} else {{ {} }})", condition, then, tensor(type, depth));
}

std::string Generator::tensor_scatter(const Type& type, int depth) {
  if (type.element == DType::bool_ || type.shape[0].least == 0 || !is_known(type.shape)) return {};
  const Extent many = any_extent();
  const std::string ids = new_name("t"), index = new_name("m");
  const Mark before = mark();
  indices_.push_back({index, many, 0, many.least, many.known});
  const std::string id = subscript(type.shape[0], 1);
  back_to(before);
  line("let {}[{}: {}] = i64({});", ids, index, many.text, id);
  declare(ids, {DType::i64, {many}});
  Type part = type;
  part.shape[0] = many;
  const std::string whole = tensor(type, depth);
  return fmt::format("scatter_add({}, {}, {})", whole, ids, tensor(part, depth));
}

std::string Generator::tensor_random(const Type& type, int) {
  if (type.element != DType::f32) return {};
  std::vector<std::string> extents;
  for (const Extent& each : type.shape) extents.push_back(each.text);
  const std::string_view name = !exact_ && chance(64) ? "normal" : "uniform";
  return fmt::format("{}[{}]({})", name, joined(extents), scalar(DType::i64, 1));
}

}  // namespace tenon::differential
