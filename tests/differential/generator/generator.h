// The generator: types lead, an expression is made for a type from what is in scope, so that no
// program has to be thrown away. Values are those at which arithmetic turns odd.
//
// X. Yang, Y. Chen, E. Eide, J. Regehr, "Finding and Understanding Bugs in C Compilers", PLDI 2011;
// V. Livinskii, D. Babokin, J. Regehr, "Random Testing for C and C++ Compilers with YARPGen",
// OOPSLA 2020, whose policies (here: a palette of few types, expressions that are repeated,
// operands that are 0, 1 or equal) make it likely that an optimization applies.
#pragma once
#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/differential/generator/choices.h"
#include "tests/differential/generator/program.h"
#include "tests/differential/generator/scope.h"

namespace tenon::differential {

class Generator {
 public:
  explicit Generator(std::span<const uint8_t> bytes) : choices_(bytes) {}
  Program run();

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    out_ += std::string(2 * indent_, ' ') + fmt::format(format, std::forward<Args>(args)...) + "\n";
  }
  std::string new_name(std::string_view letter) { return fmt::format("{}{}", letter, names_++); }

  // Choices of types and extents (generator.cpp).
  DType any_type();
  DType number_type();
  DType type_accepted(runtime::Operands operands);
  Extent any_extent();
  Shape any_shape(size_t rank);
  Type any_tensor();
  bool chance(size_t parts) { return choices_.chance(parts); }
  /// Past this no more than the first choices are taken: programs stay fast.
  bool tired() const { return cost_ > kBudget; }

  // Scopes.
  struct Mark {
    size_t variables, indices;
  };
  Mark mark() const { return {variables_.size(), indices_.size()}; }
  void back_to(Mark mark);
  void declare(std::string name, Type type, bool assignable = false);
  const Variable* any_variable(const Type& type, bool assignable = false);
  const Variable* any_tensor_variable(DType element, bool assignable = false);

  // Expressions for a scalar type (scalar.cpp, index.cpp). `depth` is what may still be nested. A
  // form that does not apply here gives an empty text.
  std::string scalar(DType type, int depth);
  std::string condition(int depth) { return scalar(DType::bool_, depth); }
#define SCALAR_FORM(name, weight, meaning) std::string scalar_##name(DType type, int depth);
#include "tests/differential/generator/forms.def"
  std::string literal(DType type);
  std::string operation(runtime::ScalarOp op, DType type, std::vector<std::string> operands);
  std::string nonzero(DType type, int depth);
  /// A whole number from -4 to 4 (or -2 to 2), so that products and sums of few are exact.
  std::string small(DType type, std::string operand, int limit = 4) const;
  std::string arguments(const Function& function, int depth);

  // Subscripts and ranges (index.cpp).
  std::string subscripts(const Shape& shape, int depth);
  std::string subscript(const Extent& extent, int depth);
  std::string near_subscript(const Extent& extent, int depth);
  std::string any_integer(int depth);
  /// Binds an index with a range, whose text it gives: `k: 3`, `k: 1..4`, `k: 0..n + 1`.
  std::string bind(std::string_view letter, bool may_be_empty);
  std::string bind(const Extent& extent, std::string_view letter);

  // Expressions for a tensor type (tensor.cpp, call.cpp). `context`: where its shape follows from
  // what is around. These may write definitions before the present statement.
  std::string tensor(const Type& type, int depth);
  std::string value(const Type& type, int depth);
  std::string in_context(const Type& type, int depth);
#define TENSOR_FORM(name, weight, meaning) std::string tensor_##name(const Type& type, int depth);
#include "tests/differential/generator/forms.def"
  std::string reshaped(const Type& type, int depth);
  /// A call of a row of library.def.
  std::string library(const Type& type, int depth);
  std::string call(const Type& type, int depth);
  /// A call with these dimensions, and others where those are open.
  std::string call_of(const Function& function, std::map<std::string, Extent>& bound, int depth);

  // Statements (statement.cpp, loop.cpp, assertion.cpp); whether there was one to make.
  void statements(int most);
  void block(int most);
#define STATEMENT_FORM(name, weight, meaning) bool statement_##name();
#include "tests/differential/generator/forms.def"
  void write_element(const Variable& variable);

  // Items (item.cpp).
#define ITEM_FORM(name, weight, meaning) void item_##name();
#include "tests/differential/generator/forms.def"
  void begin(const Function& function, std::string_view brackets);
  void body(const Function& function, int most);
  void define(Function function, size_t most, std::string_view brackets = "");
  void inputs();
  void main();

  void count(std::string_view feature);

  static constexpr size_t kBudget = 3000;
  static constexpr int kDepth = 3;

  Choices choices_;
  Program program_;
  std::string out_;
  int indent_ = 0, names_ = 0;
  bool exact_ = true, may_fail_ = false;
  std::vector<DType> palette_;
  std::vector<Extent> extents_;  ///< that are known by a name: consts, dimensions in scope

  std::vector<Variable> variables_;
  std::vector<Index> indices_;
  std::vector<Repeatable> repeatable_;
  std::vector<Function> functions_;
  std::vector<Function> deep_;  ///< that count their first parameter down, by calling themselves
  std::vector<Record> records_;
  const Function* present_ = nullptr;  ///< whose body is being made; null in main
  int loops_ = 0;                      ///< around the present statement
  int nesting_ = 0;                    ///< of statements
  size_t work_ = 1;                    ///< how often what is made now is evaluated
  size_t cost_ = 0;                    ///< of all that was made
};

}  // namespace tenon::differential
