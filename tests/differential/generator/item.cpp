// Functions, records and consts before main.
#include <algorithm>

#include "tests/differential/generator/generator.h"

namespace tenon::differential {

void Generator::begin(const Function& function, std::string_view brackets) {
  std::vector<std::string> params, results;
  for (const Type& each : function.params) {
    const std::string name = new_name("x");
    params.push_back(fmt::format("{}: {}", name, each.text()));
    declare(name, each);
  }
  for (const Type& each : function.results) results.push_back(each.text());
  std::string result;
  if (results.size() == 1) result = fmt::format(" -> {}", results[0]);
  if (results.size() > 1) result = fmt::format(" -> ({})", joined(results));
  line("fn {}{}({}){} {{", function.name, brackets, joined(params), result);
  ++indent_;
}

/// From behind the header to the end. The function's cost is what its body cost.
void Generator::body(const Function& function, int most) {
  present_ = &function;
  statements(most);
  std::vector<std::string> values;
  for (const Type& each : function.results) values.push_back(value(each, kDepth));
  if (values.size() == 1) line("return {};", values[0]);
  if (values.size() > 1) line("return ({});", joined(values));
  present_ = nullptr;
  --indent_;
  line("}}");
  line("");
  back_to({});
}

/// Makes a function of what has been chosen about it.
void Generator::define(Function function, size_t most, std::string_view brackets) {
  cost_ = 0;
  begin(function, brackets);
  body(function, static_cast<int>(most));
  function.cost = std::max<size_t>(cost_, 1);
  functions_.push_back(std::move(function));
}

void Generator::item_scalar() {
  Function function{new_name("fun"), {}, {{any_type(), {}}}, {}, 1};
  for (size_t i = 1 + choices_.below(3); i > 0; --i) function.params.push_back({any_type(), {}});
  define(std::move(function), choices_.below(4));
}

/// Its first parameter counts down. `down` is also what a failing program calls too deep.
void Generator::item_recursive() {
  const Type type{any_type(), {}};
  Function function{new_name("down"), {{DType::i32, {}}, type}, {type}, {}, 1};
  cost_ = 0;
  begin(function, "");
  const std::string n = variables_[0].name, x = variables_[1].name;
  const std::string last = scalar(type.element, 1);
  line("if {} <= 0 {{ return {}; }}", n, last);
  const std::string argument = scalar(type.element, 1);
  const std::string again = fmt::format("{}({} - 1, {})", function.name, n, argument);
  if (type.element == DType::bool_) {
    const bool swapped = chance(128);  // once: calls of two calls each would take for ever
    line("return {} or {};", swapped ? x : again, swapped ? again : x);
  } else {
    const std::string other = scalar(type.element, 1);
    line("return max({}, {}) - {};", again, other, chance(128) ? x : "1");
  }
  --indent_;
  line("}}");
  line("");
  back_to({});
  const size_t cost = cost_;
  // Who calls it calls this: it goes no deeper than 6.
  Function caller{new_name("fun"), {type}, {type}, {}, 8 * cost};
  deep_.push_back(function);
  begin(caller, "");
  const std::string depth = any_integer(1), value = scalar(type.element, 1);
  line("return {}(i32({}) % 7, {});", function.name, depth, value);
  --indent_;
  line("}}");
  line("");
  back_to({});
  functions_.push_back(std::move(caller));
}

void Generator::item_tensor() {
  Function function{new_name("g"), {}, {any_tensor()}, {}, 1};
  if (chance(64)) function.results[0].shape.clear();
  for (size_t i = 1 + choices_.below(2); i > 0; --i) function.params.push_back(any_tensor());
  if (chance(128)) function.params.push_back({any_type(), {}});
  define(std::move(function), choices_.below(4));
}

void Generator::item_generic() {
  Function function{new_name("g"), {}, {}, {}, 1};
  const std::vector<Extent> before = extents_;
  std::vector<std::string> names;
  for (size_t i = 1 + choices_.below(2); i > 0; --i) {
    function.dimensions.push_back({new_name("N"), chance(160) ? 1 : 0, false});
    names.push_back(function.dimensions.back().text);
  }
  extents_ = function.dimensions;
  const auto shape = [&] {
    Shape all = any_shape(1 + choices_.below(2));
    all[choices_.below(all.size())] = choices_.among(function.dimensions);
    return all;
  };
  function.params.push_back({any_type(), function.dimensions});  // so that all can be inferred
  for (size_t i = choices_.below(3); i > 0; --i) function.params.push_back({any_type(), shape()});
  Type result{any_type(), chance(48) ? Shape{} : shape()};
  function.results.push_back(std::move(result));
  define(std::move(function), choices_.below(4), fmt::format("[{}]", joined(names)));
  extents_ = before;
}

/// `fn h[T: num, ...S, N](x: T[...S, N]) -> T[...S]`, called on the spot for two ranks.
void Generator::item_run() {
  const std::string name = new_name("h");
  static constexpr std::string_view kReductions[] = {"max", "min", "sum"};
  static constexpr std::string_view kBodies[] = {
      "x[...s, k]",           "x[...s, N - 1 - k]",      "max(x[...s, k], x[...s, 0])",
      "-x[...s, k]",          "x[...s, k] + x[...s, k]", "abs(x[...s, k])",
      "x[...s, k - 1 else 1]"};
  std::string_view reduction = choices_.among(kReductions);
  const std::string_view body = choices_.among(kBodies);
  line("fn {}_rows[T: num, ...S, N](x: T[...S, N]) -> T[...S] {{", name);
  line("  let m[...s] = {}[k: N] ({});", reduction, body);
  line("  return m;");
  line("}}");
  line("");
  const DType type = exact_ ? type_accepted(runtime::Operands::integer) : number_type();
  for (const size_t rank : {1, 2}) {
    Type whole{type, any_shape(rank + 1)};
    if (whole.shape.back().least == 0) whole.shape.back() = extent(2);
    Type rows = whole;
    rows.shape.pop_back();
    Function caller{new_name("g"), {whole}, {rows}, {}, 1};
    caller.cost = static_cast<size_t>(10 * std::max(differential::count(whole.shape), 1));
    begin(caller, "");
    line("return {}_rows({});", name, variables_[0].name);
    --indent_;
    line("}}");
    line("");
    back_to({});
    functions_.push_back(std::move(caller));
  }
}

void Generator::item_pair() {
  Function function{new_name("q"), {}, {}, {}, 1};
  function.params.push_back(any_tensor());
  function.params.push_back({any_type(), {}});
  function.results = {chance(128) ? any_tensor() : Type{any_type(), {}}, {any_type(), {}}};
  define(std::move(function), choices_.below(3));
}

void Generator::item_procedure() {
  Function function{new_name("say"), {{any_type(), {}}, any_tensor()}, {}, {}, 1};
  cost_ = 0;
  begin(function, "");
  line("print(\"{}\", {}, {});", function.name, variables_[0].name, variables_[1].name);
  body(function, static_cast<int>(1 + choices_.below(3)));
  function.cost = std::max<size_t>(cost_, 1);
  functions_.push_back(std::move(function));
}

void Generator::item_record() {
  Record record{new_name("R"), {}};
  std::vector<std::string> fields;
  for (size_t i = 1 + choices_.below(3); i > 0; --i) {
    record.fields.push_back({new_name("a"), chance(128) ? any_tensor() : Type{any_type(), {}}});
    fields.push_back(
        fmt::format("{}: {}", record.fields.back().name, record.fields.back().type.text()));
  }
  line("struct {} {{ {} }}", record.name, joined(fields));
  line("");
  records_.push_back(std::move(record));
}

void Generator::item_constant() {
  const int value = 1 + static_cast<int>(choices_.below(4));
  const std::string name = new_name("C");
  line("const {} = {};", name, value);
  line("");
  extents_.push_back({name, value, true});
}

}  // namespace tenon::differential
