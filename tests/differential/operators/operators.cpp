#include "tests/differential/operators/operators.h"

#include <algorithm>

namespace tenon::differential {

std::string bounds(const Axes& axes) {
  std::vector<std::string> parts;
  for (const Axis& each : axes) parts.push_back(fmt::format("{}: {}", each.index, each.extent));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string indices(const Axes& axes) {
  std::vector<std::string> parts;
  for (const Axis& each : axes) parts.push_back(each.index);
  return fmt::format("{}", fmt::join(parts, ", "));
}

// ---- shapes

int64_t Operators::between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(choices_.below(static_cast<size_t>(std::max<int64_t>(high - low + 1, 1))));
}

/// Often next to a whole number of lanes.
int64_t Operators::extent(int64_t most) {
  static constexpr int64_t kLanes[] = {8, 16, 32, 64, 128};
  int64_t size = 0;
  switch (choices_.below(8)) {
    case 0:
    case 1:
    case 2: size = between(1, 9); break;
    case 3:
    case 4: size = between(1, 40); break;
    case 5:
    case 6: size = choices_.among(kLanes) + between(-1, 1); break;
    default: size = chance(8) ? 0 : between(1, kMostExtent); break;
  }
  size = std::min({size, most, std::max<int64_t>(kMostWork / work_, 1)});
  work_ *= std::max<int64_t>(size, 1);
  return size;
}

Axis Operators::axis(std::string_view letter, int64_t most) {
  return {std::string(letter), extent(most)};
}

Axes Operators::axes(std::string_view letter, size_t least, size_t most) {
  Axes all;
  for (size_t left = least + choices_.below(most - least + 1); left > 0; --left)
    all.push_back(axis(fmt::format("{}{}", letter, all.size())));
  return all;
}

Axes Operators::shuffled(Axes axes) {
  for (size_t i = axes.size(); i > 1; --i) std::swap(axes[i - 1], axes[i - 1 - choices_.below(i)]);
  return axes;
}

Axes Operators::subset(const Axes& axes) {
  Axes some;
  for (const Axis& each : axes)
    if (chance(128)) some.push_back(each);
  return shuffled(some);
}

// ---- operands

/// Narrow operands may be multiplied as what they are, or as what they widen to.
void Operators::choose_types(bool small_floats) {
  static constexpr DType kTypes[] = {DType::f32, DType::f64, DType::i32, DType::i8,
                                     DType::i64, DType::f16, DType::bf16};
  do type_ = stored_ = choices_.among(kTypes);
  while (!small_floats && runtime::is_small_float(type_) && !choices_.exhausted());
  const bool wide = runtime::row(stored_).bytes > 2;
  if (!wide && chance(128)) type_ = runtime::is_floating(stored_) ? DType::f32 : DType::i32;
}

Operators::Tensor Operators::operand(Axes axes) {
  static constexpr int64_t kFactors[] = {1, 7, 31, 3, 5, 11};
  std::string sum = fmt::format("{}", between(0, 9));
  for (size_t i = 0; i < axes.size(); ++i) sum += fmt::format(" + a{} * {}", i, choices_.among(kFactors));
  const int64_t range = between(2, 13);
  operands_.push_back({fmt::format("x{}", operands_.size()), stored_, std::move(axes),
                       fmt::format("{}(({}) % {} - {})", text_of(stored_), sum, range, between(0, range / 2))});
  return operands_.back();
}

/// Floats may be what is no number, or no number like others.
Operators::Tensor Operators::special_operand(Axes axes) {
  static constexpr std::string_view kSpecial[] = {"0.0 / 0.0", "1.0 / 0.0", "-1.0 / 0.0", "-0.0"};
  operand(std::move(axes));
  Tensor& made = operands_.back();
  if (!runtime::is_floating(stored_) || made.axes.empty()) return made;
  for (const std::string_view value : kSpecial)
    if (chance(64))
      made.elements = fmt::format("if a{} % {} == {} {{ {}({}) }} else {{ {} }}", choices_.below(made.axes.size()),
                                  between(2, 40), between(0, 20), text_of(stored_), value, made.elements);
  return made;
}

/// For each element of an axis a subscript of one that is `extent` long.
Operators::Tensor Operators::subscripts_into(const Axis& axis, int64_t extent) {
  operands_.push_back({fmt::format("x{}", operands_.size()), chance(128) ? DType::i64 : DType::i32, {axis}, ""});
  Tensor& made = operands_.back();
  made.elements = fmt::format("{}((a0 * {} + {}) % {})", text_of(made.type), between(1, 9), between(0, 9), extent);
  return made;
}

std::string Operators::read(const Tensor& tensor, const std::vector<std::string>& subscripts,
                            std::string_view margin) const {
  std::string text = tensor.name;
  if (!subscripts.empty()) text += fmt::format("[{}{}]", fmt::join(subscripts, ", "), margin);
  return tensor.type == type_ ? text : fmt::format("{}({})", text_of(type_), text);
}

std::string Operators::read(const Tensor& tensor) const {
  std::vector<std::string> subscripts;
  for (const Axis& each : tensor.axes) subscripts.push_back(each.index);
  return read(tensor, subscripts);
}

std::string Operators::finished(std::string value, const Axes& axes) {
  if (chance(96)) value = fmt::format("{} + {}", read(operand(subset(axes))), value);
  if (chance(64)) value = fmt::format("max({}, {})", value, zero());
  if (chance(32)) value = fmt::format("2 * ({})", value);
  return value;
}

void Operators::define(const Axes& axes, std::string_view value) {
  result_ = {"y", type_, axes, ""};
  line("let y{} = {};", axes.empty() ? "" : fmt::format("[{}]", bounds(axes)), value);
}

// ---- programs

namespace {

std::string type_text(runtime::DType type, const Axes& axes) {
  std::vector<int64_t> extents;
  for (const Axis& each : axes) extents.push_back(each.extent);
  return fmt::format("{}[{}]", text_of(type), fmt::join(extents, ", "));
}

/// The same with a0, a1, … for its indices.
Axes numbered(Axes axes) {
  for (size_t i = 0; i < axes.size(); ++i) axes[i].index = fmt::format("a{}", i);
  return axes;
}

}  // namespace

/// The operator is a function of its own. What it makes is printed, and summed up with weights, for of a large
/// tensor print shows the ends alone.
std::string Operators::text() const {
  std::vector<std::string> params, names;
  std::string inputs;
  for (const Tensor& each : operands_) {
    params.push_back(fmt::format("{}: {}", each.name, type_text(each.type, each.axes)));
    names.push_back(each.name);
    const std::string head = each.axes.empty() ? "" : fmt::format("[{}]", bounds(numbered(each.axes)));
    inputs += fmt::format("  let {}{} = {};\n", each.name, head, each.elements);
  }
  std::string sum;
  if (const Axes axes = numbered(result_.axes); !axes.empty()) {
    sum = fmt::format(", sum[{}] i64(y[{}]) * (1", bounds(axes), indices(axes));
    for (size_t i = 0; i < axes.size(); ++i) sum += fmt::format(" + {} * {}", axes[i].index, 2 * i + 3);
    sum += ")";
  }
  return fmt::format("fn f({}) -> {} {{\n{}  return y;\n}}\nfn main() {{\n{}  let y = f({});\n  print(y{});\n}}\n",
                     fmt::join(params, ", "), type_text(result_.type, result_.axes), body_, inputs,
                     fmt::join(names, ", "), sum);
}

std::string Operators::run() {
  struct Row {
    size_t weight;
    void (Operators::*make)();
  };
  static constexpr Row kForms[] = {
#define OPERATOR(name, weight, meaning) {weight, &Operators::name},
#include "tests/differential/operators/forms.def"
  };
  (this->*choices_.weighted(kForms, [](const Row& row) { return row.weight; }).make)();
  return text();
}

std::string operator_program(std::string_view bytes) {
  return Operators({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}).run();
}

}  // namespace tenon::differential
