// Statements without blocks in them.
#include <algorithm>

#include "tests/differential/generator/generator.h"

namespace tenon::differential {

void Generator::statements(int most) {
  struct Row {
    std::string_view feature;
    size_t weight;
    bool (Generator::*make)();
  };
  static constexpr Row kForms[] = {
#define STATEMENT_FORM(name, weight, meaning) \
  {"statement: " #name, weight, &Generator::statement_##name},
#include "tests/differential/generator/forms.def"
  };
  for (int tries = 2 * most; most > 0 && tries > 0 && !choices_.exhausted() && !tired(); --tries) {
    const Row& row = choices_.weighted(kForms, [](const Row& each) { return each.weight; });
    if (!(this->*row.make)()) continue;
    count(row.feature);
    --most;
  }
}

// ---- definitions

bool Generator::statement_tensor() {
  const Type type = any_tensor();
  const bool assignable = chance(96);
  const std::string text = in_context(type, kDepth), name = new_name("t");
  line("{} {}: {} = {};", assignable ? "var" : "let", name, type.text(), text);
  declare(name, type, assignable);
  return true;
}

bool Generator::statement_scalar() {
  const DType type = any_type();
  const std::string text = scalar(type, kDepth + 1), name = new_name("s");
  line("let {} = {};", name, text);
  declare(name, {type, {}});
  return true;
}

bool Generator::statement_variable() {
  const DType type = any_type();
  const std::string text = scalar(type, 2), name = new_name("v");
  line("var {} = {};", name, text);
  declare(name, {type, {}}, true);
  return true;
}

/// With extents given, as ranges, or inferred from a tensor that is read at just these indices.
bool Generator::statement_definition() {
  Type type = any_tensor();
  const Mark before = mark();
  const size_t work = work_;
  const size_t kind = choices_.below(8);
  const Variable* read = kind >= 5 ? any_tensor_variable(type.element) : nullptr;
  std::vector<std::string> heads, names;
  if (read != nullptr) {
    const Variable copy = *read;
    type = copy.type;
    for (const Extent& each : type.shape) {
      bind(each, "m");
      indices_.back().exact = true;
      names.push_back(indices_.back().name);
    }
    heads = names;
    const std::string element = fmt::format("{}[{}]", copy.name, joined(names));
    repeatable_.push_back({element, type.element, variables_.size(), indices_.size()});
    heads = {joined(names), element};
  } else {
    for (const Extent& each : type.shape) {
      if (kind == 4 && each.known && each.least > 0) {
        const int low = 1 + static_cast<int>(choices_.below(3));
        indices_.push_back({new_name("m"), {"", 0, true}, low, low + each.least, true});
        work_ *= each.least;
        heads.push_back(fmt::format("{}: {}..{}", indices_.back().name, low, low + each.least));
      } else {
        heads.push_back(bind(each, "m"));
      }
    }
  }
  std::string body = scalar(type.element, kDepth);
  if (read != nullptr) {
    using runtime::ScalarOp;
    const ScalarOp op = type.element == DType::bool_ ? ScalarOp::ne : ScalarOp::add;
    body = operation(op, type.element, {heads[1], body});
    heads.pop_back();
  }
  back_to(before);
  work_ = work;
  const std::string name = new_name("t");
  const bool assignable = chance(64);
  line("{} {}[{}] = {};", assignable ? "var" : "let", name, joined(heads), body);
  declare(name, type, assignable);
  return true;
}

bool Generator::statement_transpose() {
  const Variable* found = nullptr;
  for (const Variable& each : variables_) {
    if (each.type.shape.size() == 2 && (found == nullptr || !chance(96))) found = &each;
  }
  if (found == nullptr) return false;
  const Variable matrix = *found;
  const std::string name = new_name("t");
  line("let {}[j, i] = {}[i, j];", name, matrix.name);
  declare(name, {matrix.type.element, {matrix.type.shape[1], matrix.type.shape[0]}});
  return true;
}

bool Generator::statement_tuple() {
  std::vector<const Function*> fitting;
  for (const Function& each : functions_) {
    if (each.results.size() > 1 && work_ * each.cost < kBudget) fitting.push_back(&each);
  }
  if (fitting.empty()) return false;
  const Function function = *choices_.among(fitting);
  cost_ += work_ * function.cost;
  const std::string given = arguments(function, 2);
  std::vector<std::string> names;
  for (size_t i = 0; i < function.results.size(); ++i) names.push_back(new_name("p"));
  line("let ({}) = {}({});", joined(names), function.name, given);
  for (size_t i = 0; i < names.size(); ++i) declare(names[i], function.results[i]);
  return true;
}

bool Generator::statement_record() {
  if (records_.empty()) return false;
  const Record& record = choices_.among(records_);
  std::vector<std::string> fields;
  for (const Variable& each : record.fields) {
    fields.push_back(fmt::format("{} = {}", each.name, in_context(each.type, 2)));
  }
  const std::string name = new_name("r");
  line("var {} = {}({});", name, record.name, joined(fields));
  for (const Variable& each : record.fields) {
    declare(fmt::format("{}.{}", name, each.name), each.type, true);
  }
  return true;
}

/// After `var b = a;` a write to one never shows in the other.
bool Generator::statement_alias() {
  const Variable* found = nullptr;
  for (const Variable& each : variables_) {
    if (!each.type.is_scalar() && (found == nullptr || !chance(96))) found = &each;
  }
  if (found == nullptr) return false;
  const Variable original = *found;
  const std::string name = new_name("b");
  line("var {} = {};", name, original.name);
  declare(name, original.type, true);
  write_element(chance(128) && original.assignable ? original
                                                   : Variable{name, original.type, true});
  return true;
}

// ---- assignments

bool Generator::statement_assign() {
  const Type type = chance(80) ? any_tensor() : Type{any_type(), {}};
  const Variable* found = any_variable(type, true);
  if (found == nullptr) {
    for (const Variable& each : variables_) {
      if (each.assignable && (found == nullptr || !chance(128))) found = &each;
    }
  }
  if (found == nullptr) return false;
  const Variable variable = *found;
  static constexpr std::string_view kSigns[] = {"=", "+=", "-=", "*=", "/=", "%="};
  const DType element = variable.type.element;
  std::string_view sign = choices_.among(kSigns);
  const bool divides = sign == "/=" || sign == "%=";
  if (element == DType::bool_ || (sign == "%=" && !runtime::is_integer(element))) sign = "=";
  if (sign == "*=" && exact_ && runtime::is_floating(element)) sign = "+=";
  if (divides && runtime::is_integer(element) && sign != "=") {
    line("{} {} {};", variable.name, sign, nonzero(element, 1));
  } else {
    const std::string text =
        sign == "=" ? in_context(variable.type, kDepth) : value(variable.type, kDepth);
    line("{} {} {};", variable.name, sign, text);
  }
  return true;
}

void Generator::write_element(const Variable& variable) {
  const std::string where = subscripts(variable.type.shape, 1);
  if (where.empty()) return;
  const DType type = variable.type.element;
  const std::string text = scalar(type, 2);
  line("{}[{}] {} {};", variable.name, where, type != DType::bool_ && chance(96) ? "+=" : "=",
       text);
}

bool Generator::statement_element() {
  const Variable* found = any_tensor_variable(any_type(), true);
  if (found == nullptr) return false;
  write_element(Variable(*found));
  return true;
}

bool Generator::statement_part() {
  const Variable* found = any_tensor_variable(any_type(), true);
  if (found == nullptr || found->type.shape.size() < 2) return false;
  const Variable variable = *found;
  const size_t axis = choices_.below(variable.type.shape.size());
  std::vector<std::string> all(variable.type.shape.size(), ":");
  all[axis] = subscript(variable.type.shape[axis], 1);
  if (all[axis].empty()) return false;
  Type part = variable.type;
  part.shape.erase(part.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  if (chance(64)) part.shape.clear();  // one element for all
  const bool adds = part.element != DType::bool_ && chance(96);
  const std::string text = value(part, 2);
  line("{}[{}] {} {};", variable.name, joined(all), adds ? "+=" : "=", text);
  return true;
}

// ---- effects

bool Generator::statement_print() {
  if (present_ != nullptr && !present_->results.empty()) return false;
  std::vector<std::string> pieces{fmt::format("\"{}\"", new_name("at"))};
  for (size_t i = 1 + choices_.below(2); i > 0; --i) pieces.push_back(scalar(any_type(), 2));
  if (!variables_.empty() && chance(96)) pieces.push_back(choices_.among(variables_).name);
  line("print({});", joined(pieces));
  return true;
}

bool Generator::statement_procedure() {
  if (present_ != nullptr && !present_->results.empty()) return false;
  std::vector<const Function*> fitting;
  for (const Function& each : functions_) {
    if (each.results.empty() && work_ * each.cost < kBudget) fitting.push_back(&each);
  }
  if (fitting.empty()) return false;
  const Function function = *choices_.among(fitting);
  cost_ += work_ * function.cost;
  const std::string given = arguments(function, 2);
  line("{}({});", function.name, given);
  return true;
}

}  // namespace tenon::differential
