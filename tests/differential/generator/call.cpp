// Calls on tensors: of the program's functions, whose dimensions are bound by what is wanted, and
// of the prelude.
#include <algorithm>
#include <map>

#include "tests/differential/generator/generator.h"

namespace tenon::differential {
namespace {

using Bindings = std::map<std::string, Extent>;

/// Makes `pattern` mean `wanted`: dimensions get extents; everything else has to be equal.
bool unify(const Shape& pattern, const Shape& wanted, const Shape& dimensions, Bindings& bound) {
  if (pattern.size() != wanted.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const auto is_it = [&](const Extent& each) { return each.text == pattern[i].text; };
    const bool is_dimension = std::ranges::any_of(dimensions, is_it);
    if (!is_dimension && pattern[i].text != wanted[i].text) return false;
    if (!is_dimension) continue;
    if (wanted[i].least < pattern[i].least) return false;
    if (bound.emplace(pattern[i].text, wanted[i]).first->second.text != wanted[i].text)
      return false;
  }
  return true;
}

Shape bind_all(Shape shape, const Bindings& bound) {
  for (Extent& each : shape) {
    const auto found = bound.find(each.text);
    if (found != bound.end()) each = found->second;
  }
  return shape;
}

struct LibraryRow {
  std::string_view name;
  runtime::Operands elements;
  std::string_view result, arguments;
  bool exact;
};
constexpr LibraryRow kLibrary[] = {
#define CALL(name, elements, result, arguments, exact) \
  {#name, runtime::Operands::elements, result, arguments, exact},
#include "tests/differential/generator/library.def"
};

/// `AB`: a dimension per letter, none of them 0.
Shape letters(std::string_view text) {
  Shape shape;
  for (const char each : text) shape.push_back({std::string(1, each), 1, false});
  return shape;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> all;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    all.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

}  // namespace

std::string Generator::call(const Type& type, int depth) {
  struct Match {
    const Function* function;
    Bindings bound;
  };
  std::vector<Match> fitting;
  for (const Function& each : functions_) {
    if (each.results.size() != 1 || each.results[0].element != type.element) continue;
    if (work_ * each.cost > kBudget) continue;
    Match match{&each, {}};
    if (unify(each.results[0].shape, type.shape, each.dimensions, match.bound)) {
      fitting.push_back(std::move(match));
    }
  }
  if (fitting.empty()) return {};
  Match match = choices_.among(fitting);
  return call_of(*match.function, match.bound, depth);
}

std::string Generator::call_of(const Function& called, Bindings& bound, int depth) {
  const Function function = called;
  cost_ += work_ * function.cost;
  std::vector<std::string> given, arguments;
  for (const Extent& each : function.dimensions) {
    Extent chosen = any_extent();
    if (chosen.least < each.least) chosen = extent(3);
    const Extent& now = bound.emplace(each.text, chosen).first->second;
    given.push_back(fmt::format("{} = {}", each.text, now.text));
  }
  for (const Type& each : function.params) {
    arguments.push_back(value({each.element, bind_all(each.shape, bound)}, depth));
  }
  const bool says = !given.empty() && chance(64);
  return fmt::format("{}{}({})", function.name, says ? fmt::format("[{}]", joined(given)) : "",
                     joined(arguments));
}

bool Generator::statement_call() {
  std::vector<const Function*> fitting;
  for (const Function& each : functions_) {
    if (each.results.size() == 1 && work_ * each.cost < kBudget) fitting.push_back(&each);
  }
  if (fitting.empty()) return false;
  const Function function = *choices_.among(fitting);
  Bindings bound;
  const std::string text = call_of(function, bound, 2), name = new_name("t");
  const bool assignable = chance(96);
  line("{} {} = {};", assignable ? "var" : "let", name, text);
  const Type& result = function.results[0];
  declare(name, {result.element, bind_all(result.shape, bound)}, assignable);
  return true;
}

std::string Generator::tensor_call(const Type& type, int depth) {
  return call(type, depth);
}

std::string Generator::library(const Type& type, int depth) {
  std::vector<std::pair<const LibraryRow*, Bindings>> fitting;
  for (const LibraryRow& row : kLibrary) {
    const bool floats = runtime::is_floating(type.element);
    if (type.element == DType::bool_ || (row.elements == runtime::Operands::floating && !floats))
      continue;
    if (exact_ && floats && !row.exact) continue;
    Bindings bound;
    const Shape result = letters(row.result);
    if (unify(result, type.shape, result, bound)) fitting.emplace_back(&row, std::move(bound));
  }
  if (fitting.empty()) return {};
  auto [row, bound] = choices_.among(fitting);
  count(fmt::format("library: {}", row->name));
  std::vector<std::string> arguments;
  for (const std::string_view each : words(row->arguments)) {
    Shape shape = letters(each);
    for (const Extent& letter : shape) {
      Extent chosen = any_extent();
      if (chosen.least == 0 || chosen.least > 8) chosen = extent(2);
      bound.emplace(letter.text, chosen);
    }
    arguments.push_back(tensor({type.element, bind_all(shape, bound)}, depth));
  }
  cost_ += 100 * work_;
  return fmt::format("{}({})", row->name, joined(arguments));
}

std::string Generator::tensor_library(const Type& type, int depth) {
  return library(type, depth);
}

/// A scalar function on tensors, with broadcasting of scalars.
std::string Generator::tensor_lifted(const Type& type, int depth) {
  const size_t work = work_ * std::max(differential::count(type.shape), 1);
  std::vector<const Function*> fitting;
  for (const Function& each : functions_) {
    if (each.scalars_only() && each.results[0].element == type.element && !each.params.empty() &&
        work * each.cost < kBudget) {
      fitting.push_back(&each);
    }
  }
  if (fitting.empty()) return {};
  const Function function = *choices_.among(fitting);
  cost_ += work * function.cost;
  std::vector<std::string> arguments;
  for (const Type& each : function.params) {
    const bool whole = arguments.empty() || !chance(96);
    arguments.push_back(whole ? tensor({each.element, type.shape}, depth)
                              : scalar(each.element, depth));
  }
  return fmt::format("{}({})", function.name, joined(arguments));
}

}  // namespace tenon::differential
