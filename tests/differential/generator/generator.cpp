#include "tests/differential/generator/generator.h"

#include <algorithm>
#include <array>

namespace tenon::differential {
namespace {

constexpr std::array kFeatures = {
#define SCALAR_FORM(name, weight, meaning) std::string_view("scalar: " #name),
#define TENSOR_FORM(name, weight, meaning) std::string_view("tensor: " #name),
#define STATEMENT_FORM(name, weight, meaning) std::string_view("statement: " #name),
#define ITEM_FORM(name, weight, meaning) std::string_view("item: " #name),
#include "tests/differential/generator/forms.def"
#define SCALAR_OP(name, text, arity, infix, precedence, operands, result, meaning) \
  std::string_view("op: " text),
#include "runtime/scalar_ops.def"
#define CALL(name, elements, result, arguments, exact) std::string_view("library: " #name),
#include "tests/differential/generator/library.def"
};
static_assert(kFeatures.size() <= kMaxFeatures);

constexpr DType kTypes[] = {DType::i32, DType::f32, DType::i64,  DType::bool_,
                            DType::f64, DType::i8,  DType::bf16, DType::f16};
constexpr DType kNumbers[] = {DType::i32, DType::f32,  DType::i64, DType::f64,
                              DType::i8,  DType::bf16, DType::f16};

struct ExtentRow {
  int value;
  size_t weight;
};
/// Vectors are 4, 8 or 16 wide, so 17 is the least that has a vector of each and a rest.
constexpr ExtentRow kExtents[] = {{2, 12}, {3, 14}, {1, 6}, {4, 10},
                                  {5, 6},  {0, 2},  {8, 3}, {17, 2}};

}  // namespace

std::span<const std::string_view> features() {
  return kFeatures;
}

Program generate(std::span<const uint8_t> bytes) {
  return Generator(bytes).run();
}

void Generator::count(std::string_view feature) {
  ++program_.uses[std::ranges::find(kFeatures, feature) - kFeatures.begin()];
}

// ---- types and extents

DType Generator::any_type() {
  return chance(64) ? choices_.among(kTypes) : choices_.among(palette_);
}

DType Generator::number_type() {
  const DType type = any_type();
  return type == DType::bool_ ? choices_.among(kNumbers) : type;
}

DType Generator::type_accepted(runtime::Operands operands) {
  std::vector<DType> fitting;
  const auto fits = [&](DType type) {
    switch (operands) {
      case runtime::Operands::num: return type != DType::bool_;
      case runtime::Operands::integer: return runtime::is_integer(type);
      case runtime::Operands::floating: return runtime::is_floating(type);
      case runtime::Operands::boolean: return type == DType::bool_;
      case runtime::Operands::any: return true;
    }
    return false;
  };
  std::ranges::copy_if(palette_, std::back_inserter(fitting), fits);
  if (fitting.empty() || chance(32))
    std::ranges::copy_if(kTypes, std::back_inserter(fitting), fits);
  return choices_.among(fitting);
}

Extent Generator::any_extent() {
  if (!extents_.empty() && chance(64)) return choices_.among(extents_);
  return extent(choices_.weighted(kExtents, [](const ExtentRow& row) { return row.weight; }).value);
}

Shape Generator::any_shape(size_t rank) {
  Shape shape;
  for (; rank > 0; --rank) {
    Extent each = any_extent();
    // 17 elements are enough of a vector; 17 x 17 x 17 of a tensor take too long.
    if (each.least * differential::count(shape) > 64) each = extent(2);
    shape.push_back(std::move(each));
  }
  return shape;
}

Type Generator::any_tensor() {
  static constexpr size_t kRanks[] = {1, 2, 1, 2, 3};
  return {any_type(), any_shape(choices_.among(kRanks))};
}

// ---- scopes

void Generator::back_to(Mark mark) {
  variables_.resize(mark.variables);
  indices_.resize(mark.indices);
  std::erase_if(repeatable_, [&](const Repeatable& each) {
    return each.variables > mark.variables || each.indices > mark.indices;
  });
}

void Generator::declare(std::string name, Type type, bool assignable) {
  variables_.push_back({std::move(name), std::move(type), assignable});
}

/// The later, the more likely: chains of definitions are what fusion is for.
const Variable* Generator::any_variable(const Type& type, bool assignable) {
  const Variable* found = nullptr;
  for (const Variable& each : variables_) {
    if (!(each.type == type) || (assignable && !each.assignable)) continue;
    if (found == nullptr || !chance(96)) found = &each;
  }
  return found;
}

const Variable* Generator::any_tensor_variable(DType element, bool assignable) {
  const Variable* found = nullptr;
  for (const Variable& each : variables_) {
    if (each.type.element != element || each.type.is_scalar()) continue;
    if (assignable && !each.assignable) continue;
    if (found == nullptr || !chance(96)) found = &each;
  }
  return found;
}

// ---- programs

Program Generator::run() {
  exact_ = !chance(128);
  may_fail_ = chance(64);
  program_.exact = exact_;
  for (size_t i = 1 + choices_.below(3); i > 0; --i) palette_.push_back(choices_.among(kTypes));

  struct Row {
    std::string_view feature;
    size_t weight;
    void (Generator::*make)();
  };
  static constexpr Row kItems[] = {
#define ITEM_FORM(name, weight, meaning) {"item: " #name, weight, &Generator::item_##name},
#include "tests/differential/generator/forms.def"
  };
  for (size_t i = choices_.below(5); i > 0; --i) {
    const Row& row = choices_.weighted(kItems, [](const Row& each) { return each.weight; });
    count(row.feature);
    (this->*row.make)();
  }
  main();
  program_.text = std::move(out_);
  return std::move(program_);
}

/// Values that no constant folding knows, without a file or an argument: a loop finds them.
void Generator::inputs() {
  if (chance(64)) return;
  const std::string in = new_name("in");
  line("var {} = {};", in, choices_.below(3));
  line("while {0} * {0} < {1} {{ {0} += 1; }}", in, 2 + choices_.below(30));
  declare(in, {DType::i32, {}}, true);
  for (const DType type : palette_) {
    const Type tensor{type, any_shape(1 + choices_.below(2))};
    const Mark before = mark();
    std::vector<std::string> heads, terms;
    for (const Extent& each : tensor.shape) {
      heads.push_back(bind(each, "m"));
      terms.push_back(fmt::format("{} * {}", indices_.back().name, 3 + 4 * terms.size()));
    }
    back_to(before);
    work_ = 1;
    const std::string whole = fmt::format("({} + {}) % 11 - 4", fmt::join(terms, " + "), in);
    const std::string_view element = runtime::row(type).text;
    const std::string name = new_name("d");
    if (type == DType::bool_) {
      line("let {}[{}] = {} > 0;", name, joined(heads), whole);
    } else if (runtime::is_floating(type)) {
      line("let {}[{}] = {}({}) / {}.0;", name, joined(heads), element, whole,
           1 + choices_.below(4));
    } else {
      line("var {}[{}] = {}({});", name, joined(heads), element, whole);
    }
    declare(name, tensor, runtime::is_integer(type));
  }
}

void Generator::main() {
  cost_ = 0;
  line("fn main() {{");
  ++indent_;
  if (!choices_.exhausted()) inputs();
  statements(3 + static_cast<int>(choices_.below(8)));
  if (may_fail_ && statement_failure()) count("statement: failure");
  statements(static_cast<int>(choices_.below(6)));
  for (const Variable& variable : variables_) {
    // What is not printed is dead code.
    if (!chance(48)) line("print(\"{}\", {});", variable.name, variable.name);
  }
  --indent_;
  line("}}");
}

}  // namespace tenon::differential
