// Rewrite rules: two index expressions that are equal for every value of their variables.
//
//   exact for T in i8 i32 i64, x y z c1 c2: T
//   mul_mul: (x * c1) * c2 => x * (c1 * c2)  "products wrap, so they may be grouped anew"
//
// A section says for which types its rules hold; a rule is read once for each. `x`, `y`, … stand
// for any term, names of `c` and a number for constants, and `width`, `lowest`, `highest` are those
// of T. What is constant on the right is computed when the rule applies; after `if` stands what
// must hold. The parser is that of index expressions (ir/parse_expr.h).
#pragma once
#include <span>
#include <string>
#include <vector>

#include "ir/ir.h"
#include "lexer/diag.h"

namespace tenon::opt {

enum class RuleClass : uint8_t {
  exact,       ///< the same bits, for every value
  subscript,   ///< equal over the unbounded integers: applies only where nothing wraps around
  by_default,  ///< what language.md allows by default: off under --strict
};
std::string_view text(RuleClass rule_class);

/// What a variable of a rule stands for.
struct Variable {
  enum Kind : uint8_t { term, constant, width, lowest, highest } kind;
  std::string name;
  ir::DType type;
  uint32_t slot;  ///< within its rule
};

inline constexpr uint32_t kMaxVariables = 16;

/// A rule for one choice of types.
struct Rule {
  std::string name;  ///< integer.add_zero: file, rule
  std::string why;
  std::string left_text, right_text, guard_text;  ///< as the file writes them
  RuleClass rule_class;
  std::vector<std::pair<std::string, ir::DType>> types;  ///< T: i32, …
  ir::ExprId left, right;                                ///< in RuleSet's arena
  ir::ExprId guard;                                      ///< none if it always holds
  std::vector<ir::ExprId> forms;  ///< `left`, in every order of commutative operands
  uint32_t operations = 0;        ///< that the right side computes
  /// A constant that only the guard and the right side name; it is looked for in 0 … width - 1.
  ir::ExprId sought;
  lexer::Span span;  ///< of the name
};

/// The rules of some files, and the arena in which their expressions stand.
class RuleSet {
 public:
  /// Reads a file; errors are reported, and what is wrong is left out.
  void read(const lexer::SourceMap& sources, uint32_t file, lexer::Diagnostics& diagnostics);

  std::span<const Rule> rules() const { return rules_; }
  const ir::Expr& operator[](ir::ExprId id) const { return function_.exprs[id]; }
  const ir::Exprs& exprs() const { return function_.exprs; }
  /// Of a node of kind `value`.
  const Variable& variable(const ir::Expr& node) const { return variables_[node.value.index]; }
  /// Literals, constants by name, and what is computed from them.
  bool is_constant(ir::ExprId id) const;

 private:
  friend class RuleReader;
  ir::Module module_;
  ir::Function function_;
  std::vector<Variable> variables_;  ///< by the value that stands for it
  std::vector<Rule> rules_;
};

/// The compiler's own, from opt/rules/*.rules. Throws std::logic_error if a file is malformed.
const RuleSet& built_in_rules();
/// The files that they are read from: name and text.
std::span<const std::pair<std::string_view, std::string_view>> rule_files();

}  // namespace tenon::opt
