// The checker's own parts, shared by the check_*.cpp files; users include check.h.
//
//   check_program.cpp    items: names, consts, purity, recursion; the list of instances
//   check_statement.cpp  statements, scopes, returning on every path
//   check_expression.cpp expressions that stay scalar: operators, conversions, `if`
//   check_literal.cpp    literals, which take the type that their context asks for
//   check_index.cpp      index definitions, reductions, subscripts; extents inferred
//   check_call.cpp       calls: dimensions found from arguments, built-ins
//   check_lift.cpp       element by element: lifting, broadcasting, `@`, `**`
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ast/check.h"
#include "ast/tree.h"
#include "ast/typed.h"
#include "lexer/diag.h"

namespace tenon::ast {

using lexer::Diag;
using lexer::Diagnostic;
using lexer::Diagnostics;
using runtime::Scalar;
using runtime::ScalarOp;

inline constexpr size_t kMaxInstances = 10'000;
inline constexpr size_t kMaxConstNodes = 1'000;

/// A checked expression. While `open`, it is made of literals only and its context decides its type
/// (kind integer or floating of type.dtype says which types it can take); settle() closes it.
struct Checked {
  typed::Expr expr;
  bool open = false;

  const typed::Type& type() const { return expr.type; }
  DType dtype() const { return expr.type.dtype; }
};
/// Nothing: an error has been reported, and whoever gets this reports no other.
using MaybeChecked = std::optional<Checked>;

/// A source function and what is known of it before any body is checked.
struct FunctionInfo {
  const Function* tree;
  bool in_prelude;
  bool pure = true;
  bool recursive = false;
  bool all_scalar = true;  ///< parameters and result
  std::map<std::string, std::pair<const FunctionInfo*, Span>> callees;
};

/// A const; its value is checked when first used.
struct ConstInfo {
  const Const* tree;
  const Define* define = nullptr;  ///< the -D that replaces it
  enum { unchecked, checking, checked } state = unchecked;
  MaybeChecked value;
};

/// The functions and consts of one of the two programs.
struct Names {
  std::map<std::string, FunctionInfo> functions;
  std::map<std::string, ConstInfo> consts;
};

class ProgramChecker {
 public:
  ProgramChecker(const CheckOptions& options, Diagnostics& diagnostics);
  typed::Program check(const Program& prelude, const Program& program);

  const FunctionInfo* find_function(const std::string& name, bool from_prelude) const;
  /// The value of a const (a copy), nothing if there is none of that name or it is wrong.
  ConstInfo* find_const(const std::string& name, bool from_prelude);
  MaybeChecked const_value(ConstInfo& info, bool from_prelude);
  void add_function_names(std::vector<std::string>& names, bool from_prelude) const;
  /// The instance of a function for these dimensions; its body is checked later.
  const typed::Function* instantiate(const FunctionInfo& info, const std::vector<Extent>& dimensions,
                                     Span call);

  Diagnostics& diagnostics;

 private:
  struct Instance {
    const FunctionInfo* info;
    std::vector<Extent> dimensions;
    typed::Function* function;
    Span call;                          ///< where it was first asked for
    const Instance* caller = nullptr;
  };

  void collect(const Program& program, bool is_prelude);
  void apply_defines();
  void collect_callees();
  void find_impure_and_recursive();
  void check_signatures_and_bodies();
  void check_instance(const Instance& instance);

  const CheckOptions& options_;
  Names prelude_, user_;
  typed::Program program_;
  std::deque<Instance> instances_;
  std::map<std::string, const typed::Function*> by_key_;
  const Instance* present_ = nullptr;
};

/// Checks one function: for all instances at once (`generic`: its dimensions are symbols), or as
/// one instance.
class FunctionChecker {
 public:
  FunctionChecker(ProgramChecker& program, const FunctionInfo* info, std::map<std::string, Extent> dimensions,
                  bool generic, bool in_prelude, typed::Function& out, Diagnostics& diagnostics);

  bool signature();
  void body();
  /// The value of a const's initializer: no variable is in scope.
  MaybeChecked constant_expression(const Expr& e);

 private:
  friend class ProgramChecker;
  using TypePtr = const typed::Type*;  ///< the type that the context wants; null: none known

  // check_statement.cpp
  void block(const Block& block, std::vector<typed::Stmt>& out);
  void statement(const Stmt& stmt, std::vector<typed::Stmt>& out);
  void check(const Let& let, Span span, std::vector<typed::Stmt>& out);
  void check(const Assign& assign, Span span, std::vector<typed::Stmt>& out);
  void check(const If& s, Span span, std::vector<typed::Stmt>& out);
  void check(const While& s, Span span, std::vector<typed::Stmt>& out);
  void check(const For& s, Span span, std::vector<typed::Stmt>& out);
  void check(const Break& s, Span span, std::vector<typed::Stmt>& out);
  void check(const Continue& s, Span span, std::vector<typed::Stmt>& out);
  void check(const Return& s, Span span, std::vector<typed::Stmt>& out);
  void check(const Evaluate& s, Span span, std::vector<typed::Stmt>& out);
  bool effect_call(const Call& call, Span span, std::vector<typed::Stmt>& out);
  void check_print(const Call& call, Span span, std::vector<typed::Stmt>& out);
  void check_save(const Call& call, Span span, std::vector<typed::Stmt>& out);
  void check_assert(const Call& call, Span span, std::vector<typed::Stmt>& out);
  void element_assign(const Assign& assign, const Subscript& target, Span span,
                      std::vector<typed::Stmt>& out);
  std::optional<typed::VarId> assignable(const Expr& target);
  std::optional<typed::Expr> condition(const Expr& e);

  // scopes
  struct Scope { std::map<std::string, typed::VarId> names; };
  typed::VarId declare(const Name& name, typed::Type type, typed::VarKind kind);
  void declare_wrong(const Name& name);  ///< a name whose definition failed: its uses report nothing
  bool claim(const Name& name);
  std::optional<typed::VarId> find(const std::string& name) const;
  typed::VarId hidden(std::string name, typed::Type type, Span span, typed::VarKind kind);

  // check_expression.cpp
  MaybeChecked expression(const Expr& e, TypePtr want = nullptr);
  /// expression() of just this type, after widening; the want of literals, zeros() and load().
  std::optional<typed::Expr> expression_of(const Expr& e, const typed::Type& type);
  std::optional<typed::Expr> settled(const Expr& e, TypePtr want = nullptr);
  MaybeChecked check(const NumberLiteral& n, Span span, TypePtr want);
  MaybeChecked check(const BoolLiteral& n, Span span, TypePtr want);
  MaybeChecked check(const StringLiteral& n, Span span, TypePtr want);
  MaybeChecked check(const NameRef& n, Span span, TypePtr want);
  MaybeChecked check(const Unary& n, Span span, TypePtr want);
  MaybeChecked check(const Binary& n, Span span, TypePtr want);
  MaybeChecked check(const Matmul& n, Span span, TypePtr want);
  MaybeChecked check(const Call& n, Span span, TypePtr want);
  MaybeChecked check(const ast::Convert& n, Span span, TypePtr want);
  MaybeChecked check(const Subscript& n, Span span, TypePtr want);
  MaybeChecked check(const Reduce& n, Span span, TypePtr want);
  MaybeChecked check(const IfExpr& n, Span span, TypePtr want);
  MaybeChecked check(const TensorLiteral& n, Span span, TypePtr want);
  MaybeChecked check(const ErrorExpr& n, Span span, TypePtr want);
  /// `op` on operands: types unified, then lifted over tensors.
  MaybeChecked apply(ScalarOp op, std::string_view shown, std::vector<Checked> args, Span span);
  MaybeChecked logic(const Binary& n, Span span);

  // check_literal.cpp
  bool settle(Checked& c, DType to);         ///< closes an open expression as `to`; reports
  bool settle_default(Checked& c);           ///< i32 or f32
  bool retype(typed::Expr& e, DType to);
  bool constant_division(const typed::Expr& e);
  /// Makes `c` have element type `to` by settling or widening; otherwise reports type_mismatch.
  bool coerce(Checked& c, DType to);
  bool coerce(Checked& c, const typed::Type& to);
  /// Brings all to one element type; open ones follow the others. Nothing on a mismatch (silent).
  std::optional<DType> common_type(const std::vector<Checked*>& all);
  bool unify(const std::vector<Checked*>& all, DType common);
  void widen(Checked& c, DType to);

  // check_index.cpp
  struct Bound { Extent lo, hi; };           ///< of an index: [lo, hi)
  bool bind(const std::vector<IndexBinding>& indices, const Expr& body,
            std::vector<typed::VarId>& vars);
  std::optional<Extent> infer(const IndexBinding& index, const Expr& body);
  MaybeChecked index_definition(const std::vector<IndexBinding>& indices, const Expr& body, Span span,
                                std::optional<DType> want);
  bool subscripts(const std::vector<ExprPtr>& trees, const typed::Type& base, const Expr& base_tree,
                  Span span, bool checked, std::vector<typed::Expr>& out);
  void check_range(const typed::Expr& subscript, const Extent& extent, const Expr& tree);
  std::optional<Extent> extent(const Expr& e);
  std::optional<typed::Type> type(const TypeExpr& t);
  bool agree(const Extent& a, const Extent& b) const;  ///< or cannot be decided yet
  bool same_shape(const typed::Type& a, const typed::Type& b) const;

  // check_call.cpp
  MaybeChecked call_function(const FunctionInfo& info, const Call& n, Span span);
  MaybeChecked call_scalar(const FunctionInfo& info, const Call& n, Span span, std::vector<Checked> args);
  MaybeChecked call_builtin(const Call& n, Span span, TypePtr want);
  MaybeChecked call_shaped(const Call& n, Span span, TypePtr want);
  MaybeChecked make_call(const FunctionInfo& info, const std::vector<Extent>& dimensions,
                         std::vector<Checked> args, Span span);
  /// A type written in `info`'s signature, for these dimensions.
  std::optional<typed::Type> type_under(const FunctionInfo& info, const TypeExpr& t,
                                        const std::map<std::string, Extent>& dims);
  /// A parameter's type, where the dimensions bound so far decide it.
  std::optional<typed::Type> parameter_type(const FunctionInfo& info, const Param& param,
                                            const std::map<std::string, Extent>& dims);
  bool bind_argument(const FunctionInfo& info, const Param& param, Checked& arg,
                     std::map<std::string, Extent>& dims, std::map<std::string, Span>& places);
  bool argument_count(const Name& callee, size_t takes, size_t given, Span span);

  // check_lift.cpp
  using Body = std::function<std::optional<typed::Expr>(std::vector<typed::Expr>)>;
  /// A Compute over the broadcast shape of `args`, whose body is `body` of their elements; plainly
  /// `body(args)` if all are scalars. `result` is the element type.
  MaybeChecked lift(std::string_view shown, std::vector<Checked> args, Span span, const Body& body);
  MaybeChecked named_once(std::vector<Checked> args, Span span, const Body& body);
  std::optional<std::vector<Extent>> broadcast(const std::vector<Checked>& args, std::string_view shown,
                                               Span span);
  typed::Expr element(typed::VarId tensor, const std::vector<typed::VarId>& indices,
                      const std::vector<Extent>& shape, Span span);
  MaybeChecked power(Checked base, Checked exponent, Span span, const Expr& exponent_tree);
  MaybeChecked filled(const typed::Type& type, typed::Expr value, Span span);

  // small makers
  typed::Expr constant(Scalar value, Span span);
  typed::Expr variable(typed::VarId var, Span span);
  typed::Expr index_constant(int64_t value, Span span) {
    return constant(Scalar::integer(DType::i64, value), span);
  }
  typed::Type& type_of(typed::VarId var) { return out_.vars[var].type; }
  template <class... Args>
  Diagnostic& report(Diag diag, Span span, const Args&... args) {
    return diagnostics_->report(diag, span, args...);
  }

  ProgramChecker& program_;
  const FunctionInfo* info_;
  std::map<std::string, Extent> dimensions_;
  bool generic_, in_prelude_;
  typed::Function& out_;
  Diagnostics* diagnostics_;                 ///< swapped while types are only probed
  std::vector<Scope> scopes_;
  std::set<typed::VarId> wrong_;
  std::unordered_map<typed::VarId, Bound> bounds_;  ///< of indices with known extents
  int loops_ = 0;                            ///< `while` and `for` around this place
  int branches_ = 0;                         ///< `if` branches around this place
  int definitions_ = 0;                      ///< index definitions and reductions around this place
  int probe_fuel_ = 100'000;
};

/// The value of an expression of constants; nothing if it has anything else or divides by zero.
std::optional<Scalar> evaluate(const typed::Expr& e);
typed::Expr clone(const typed::Expr& e);     ///< of a constant expression or an element of a variable
size_t node_count(const typed::Expr& e);     ///< of a constant expression
bool ends(const Block& block);               ///< returns on every path or loops for ever

}  // namespace tenon::ast
