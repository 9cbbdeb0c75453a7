// Types lead: an expression is made for a type, from what is in scope, so that no program has to be
// thrown away. Values are those at which arithmetic turns odd: the ends of the integers, -0.0,
// infinities, NaN. (X. Yang, Y. Chen, E. Eide, J. Regehr, "Finding and Understanding Bugs in C
// Compilers", 2011, calls what is missing here, too: undefined behaviour. Tenon has none to avoid.)
#include "tests/differential/generate.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <vector>

namespace tenon::tests {
namespace {

// [exercise bugs]
constexpr int kMaxDepth = 4;  ///< of an expression

/// A scalar type, and literals of it that are worth a try.
struct TypeRow {
  std::string_view name;
  enum { boolean, integer, floating } kind;
  std::vector<std::string_view> literals;
};

const std::array<TypeRow, 6> kTypes = {{
    {"bool", TypeRow::boolean, {"true", "false"}},
    {"i8", TypeRow::integer, {"0", "1", "2", "3", "7", "-1", "-7", "100", "127", "-128"}},
    {"i32",
     TypeRow::integer,
     {"0", "1", "2", "5", "-1", "-3", "1000", "2147483647", "-2147483648"}},
    {"i64", TypeRow::integer, {"0", "1", "3", "-1", "-5", "4000000000", "9223372036854775807"}},
    {"f32",
     TypeRow::floating,
     {"0.0", "-0.0", "1.0", "-2.5", "0.1", "1e30", "1.0 / 0.0", "0.0 / 0.0"}},
    {"f64",
     TypeRow::floating,
     {"0.0", "-0.0", "1.0", "-0.5", "0.1", "1e300", "-1.0 / 0.0", "0.0 / 0.0"}},
}};
const TypeRow& kBool = kTypes[0];

/// SplitMix64 (G. Steele, D. Lea, C. Flood, 2014): small, and the same everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  int below(int n) { return static_cast<int>(next() % static_cast<uint64_t>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  template <class Items>
  const auto& among(const Items& items) {
    return items[below(static_cast<int>(std::size(items)))];
  }

 private:
  uint64_t state_;
};

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  std::string program() {
    line("fn main() {");
    for (int i = 0; i < 2; ++i) tensor_literal();
    const int statements = 2 + random_.below(4);
    for (int i = 0; i < statements; ++i) statement();
    for (const Tensor& tensor : tensors_) line(fmt::format("print({});", tensor.name));
    for (const Variable& variable : variables_) line(fmt::format("print({});", variable.name));
    return out_ + "}\n";
  }

 private:
  struct Tensor {
    std::string name;
    const TypeRow* type;
    std::vector<int> shape;
  };
  struct Variable {
    std::string name;
    const TypeRow* type;
  };
  /// Runs over 0..extent.
  struct Index {
    std::string name;
    int extent;
  };

  void line(std::string_view text) { out_ += fmt::format("{}\n", text); }
  std::string new_name(std::string_view letter) { return fmt::format("{}{}", letter, names_++); }
  const TypeRow& any_type() { return random_.among(kTypes); }

  // ---- statements

  void statement() {
    switch (random_.below(5)) {
      case 0: return scalar();
      case 1: return loop();
      default: return definition();
    }
  }
  void tensor_literal() {
    const TypeRow& type = any_type();
    const int extent = 1 + random_.below(6);
    std::string elements;
    for (int i = 0; i < extent; ++i) elements += (i == 0 ? "" : ", ") + literal(type);
    tensors_.push_back({new_name("t"), &type, {extent}});
    line(fmt::format("let {} = [{}];", tensors_.back().name, elements));
  }
  void scalar() {
    const TypeRow& type = any_type();
    const std::string value = expression(type, kMaxDepth);
    variables_.push_back({new_name("s"), &type});
    line(fmt::format("let {} = {};", variables_.back().name, value));
  }
  void definition() {
    const TypeRow& type = any_type();
    std::vector<int> shape;
    std::string heads;
    for (int rank = 1 + random_.below(2); rank > 0; --rank) {
      indices_.push_back({new_name("n"), 1 + random_.below(5)});
      shape.push_back(indices_.back().extent);
      heads +=
          fmt::format("{}{}: {}", heads.empty() ? "" : ", ", indices_.back().name, shape.back());
    }
    const std::string body = expression(type, kMaxDepth);
    indices_.clear();
    tensors_.push_back({new_name("t"), &type, shape});
    line(fmt::format("let {}[{}] = {};", tensors_.back().name, heads, body));
  }
  /// A variable that changes as long as a condition holds, some turns at most.
  void loop() {
    const TypeRow& type = any_type();
    const std::string first = expression(type, 1);
    variables_.push_back({new_name("v"), &type});
    const std::string name = variables_.back().name;
    line(fmt::format("var {} = {};", name, first));
    indices_.push_back({new_name("n"), 1 + random_.below(6)});
    line(fmt::format("for {} in 0..{} {{", indices_.back().name, indices_.back().extent));
    if (random_.one_in(2)) {
      const std::string_view jump = random_.one_in(2) ? "break" : "continue";
      line(fmt::format("  if {} {{ {}; }}", expression(kBool, 2), jump));
    }
    line(fmt::format("  {} = {};", name, expression(type, kMaxDepth - 1)));
    line("}");
    indices_.clear();
  }

  // ---- expressions: of the type that is asked for, in parentheses where anything could follow

  std::string expression(const TypeRow& type, int depth) {
    if (depth == 0 || random_.one_in(6)) return leaf(type, depth);
    switch (random_.below(6)) {
      case 0: return choice(type, depth - 1);
      case 1: return reduction(type, depth - 1);
      case 2: return conversion(type, depth - 1);
      default: break;
    }
    switch (type.kind) {
      case TypeRow::boolean: return condition(depth - 1);
      case TypeRow::integer: return integer(type, depth - 1);
      case TypeRow::floating: return floating(type, depth - 1);
    }
    return {};
  }

  std::string literal(const TypeRow& type) {
    const std::string_view text = random_.among(type.literals);
    return type.kind == TypeRow::boolean ? std::string(text)
                                         : fmt::format("{}({})", type.name, text);
  }
  std::string leaf(const TypeRow& type, int depth) {
    std::vector<std::string> known;
    for (const Variable& each : variables_) {
      if (each.type == &type) known.push_back(each.name);
    }
    for (const Tensor& each : tensors_) {
      if (each.type == &type) known.push_back(element(each, depth));
    }
    if (type.kind == TypeRow::integer && !indices_.empty()) {
      known.push_back(fmt::format("{}({})", type.name, random_.among(indices_).name));
    }
    return known.empty() || random_.one_in(3) ? literal(type) : random_.among(known);
  }
  /// With an `else` a subscript may lead anywhere near.
  std::string element(const Tensor& tensor, int depth) {
    const bool has_else = depth > 0 && random_.one_in(3);
    std::string subscripts;
    for (int extent : tensor.shape) {
      if (!subscripts.empty()) subscripts += ", ";
      subscripts += has_else ? near_subscript(extent) : subscript(extent);
    }
    if (has_else) subscripts += " else " + expression(*tensor.type, depth - 1);
    return fmt::format("{}[{}]", tensor.name, subscripts);
  }
  std::string subscript(int extent) {
    for (const Index& index : indices_) {
      if (index.extent <= extent && random_.one_in(2)) return index.name;
    }
    return fmt::format("{}", random_.below(extent));
  }
  std::string near_subscript(int extent) {
    if (indices_.empty()) return fmt::format("{}", random_.below(extent + 3) - 1);
    return fmt::format("{} + {} - {}", random_.among(indices_).name, random_.below(3),
                       random_.below(4));
  }

  std::string choice(const TypeRow& type, int depth) {
    return fmt::format("(if {} {{ {} }} else {{ {} }})", expression(kBool, depth),
                       expression(type, depth), expression(type, depth));
  }
  std::string conversion(const TypeRow& type, int depth) {
    const TypeRow& from = any_type();
    return fmt::format("{}({})", type.name, expression(from, depth));
  }
  std::string reduction(const TypeRow& type, int depth) {
    static constexpr std::array<std::string_view, 4> kNumbers = {"sum", "prod", "max", "min"};
    static constexpr std::array<std::string_view, 2> kBools = {"any", "all"};
    static constexpr std::array<std::string_view, 2> kWhere = {"argmax", "argmin"};
    if (indices_.size() > 3) return leaf(type, depth);
    const bool where = type.name == "i64" && random_.one_in(3);
    const std::string_view name = where                           ? random_.among(kWhere)
                                  : type.kind == TypeRow::boolean ? random_.among(kBools)
                                                                  : random_.among(kNumbers);
    const Index index{new_name("k"), 1 + random_.below(5)};
    indices_.push_back(index);
    // A bool has no order, so argmax and argmin compare numbers.
    const TypeRow& body_type = where ? kTypes[1 + random_.below(5)] : type;
    const std::string body = expression(body_type, depth);
    indices_.pop_back();
    return fmt::format("({}[{}: {}] ({}))", name, index.name, index.extent, body);
  }

  std::string condition(int depth) {
    static constexpr std::array<std::string_view, 6> kComparisons = {"<",  "<=", ">",
                                                                     ">=", "==", "!="};
    static constexpr std::array<std::string_view, 2> kLogic = {"and", "or"};
    switch (random_.below(5)) {
      case 0: return fmt::format("(not {})", expression(kBool, depth));
      case 1: return infix(kBool, random_.among(kLogic), depth);
      default: return infix(kTypes[1 + random_.below(5)], random_.among(kComparisons), depth);
    }
  }
  std::string integer(const TypeRow& type, int depth) {
    static constexpr std::array<std::string_view, 3> kArithmetic = {"+", "-", "*"};
    static constexpr std::array<std::string_view, 2> kDivision = {"/", "%"};
    static constexpr std::array<std::string_view, 8> kCalls = {
        "min", "max", "bit_and", "bit_or", "bit_xor", "shl", "shr", "ushr"};
    switch (random_.below(6)) {
      case 0: return call(type, random_.among(kCalls), 2, depth);
      case 1: return call(type, "abs", 1, depth);
      case 2: {  // a divisor from 1 to 7 or from -8 to -2: what comes out of a % is not negative
        const std::string_view shift = random_.one_in(2) ? "+ 1" : "- 8";
        return fmt::format("({} {} ({} % 7 {}))", expression(type, depth), random_.among(kDivision),
                           expression(type, depth), shift);
      }
      default: return infix(type, random_.among(kArithmetic), depth);
    }
  }
  std::string floating(const TypeRow& type, int depth) {
    static constexpr std::array<std::string_view, 4> kArithmetic = {"+", "-", "*", "/"};
    static constexpr std::array<std::string_view, 6> kOne = {"abs",   "floor", "ceil",
                                                             "round", "sqrt",  "-"};
    static constexpr std::array<std::string_view, 2> kTwo = {"min", "max"};
    switch (random_.below(6)) {
      case 0: return call(type, random_.among(kOne), 1, depth);
      case 1: return call(type, random_.among(kTwo), 2, depth);
      case 2: return call(type, "fma", 3, depth);
      default: return infix(type, random_.among(kArithmetic), depth);
    }
  }

  std::string infix(const TypeRow& type, std::string_view sign, int depth) {
    return fmt::format("({} {} {})", expression(type, depth), sign, expression(type, depth));
  }
  std::string call(const TypeRow& type, std::string_view name, int arity, int depth) {
    std::string args;
    for (int i = 0; i < arity; ++i) args += (i == 0 ? "" : ", ") + expression(type, depth);
    return fmt::format("{}({})", name, args);
  }

  Random random_;
  std::string out_;
  int names_ = 0;
  std::vector<Tensor> tensors_;
  std::vector<Variable> variables_;
  std::vector<Index> indices_;  ///< in scope
};
// [end]

}  // namespace

std::string generate(uint64_t seed) {
  // [exercise bugs]
  // [starter] return fmt::format("fn main() {{\n  print({} + 1);\n}}\n", seed % 1000);
  return Generator(seed).program();
  // [end]
}

}  // namespace tenon::tests
