// The checker's own parts, shared by the check_*.cpp files; users include check.h.
//
//   check_program.cpp     items, signatures, the list of instances that main needs
//   check_graph.cpp       who calls whom: effects and recursion
//   check_constant.cpp    consts, -D, and values known before the program runs
//   check_statement.cpp   scopes, definitions, control flow, returning on every path
//   check_effect.cpp      assignment, and the effects print, save, write and assert
//   check_expression.cpp  names and operators
//   check_literal.cpp     literals, which take the type that their context asks for
//   check_extent.cpp      extents, shapes that agree
//   check_shapes.cpp      how messages show two shapes that clash
//   check_type.cpp        types as written; what parameters can stand for
//   check_record.cpp      records and tuples: made, taken apart
//   check_index.cpp       index definitions and reductions
//   infer_extents.cpp     the extents of their indices
//   check_subscript.cpp   subscripts, and those proved to be outside
//   check_part.cpp        subscripts left open: parts read and assigned
//   check_infer.cpp       what the arguments of a call say about the callee's parameters
//   check_call.cpp        calls of functions
//   suggest.cpp           "did you mean …?"
//   check_builtin.cpp     calls of built-ins
//   check_export.cpp      the functions that a library offers
//   check_unreached.cpp   the functions that main does not reach
//   check_tensor.cpp      reshape, concat, scatter_add, uniform, normal
//   check_schedule.cpp    schedules
//   check_lift.cpp        element by element: lifting and broadcasting
//   check_product.cpp     `@` and `**`
//
// Whoever finds an error reports it and returns nothing; whoever gets nothing reports no other. So
// one mistake draws one message.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
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
using typed::Substitution;

inline constexpr size_t kMaxInstances = 10'000;
inline constexpr size_t kMaxConstNodes =
    1'000;                                    ///< operations in a const, consts in it written out
inline constexpr int kMaxConstDepth = 1'000;  ///< consts that are needed for each other's values
inline constexpr size_t kMaxRank = 64;

// [snippet checked]
/// A checked expression. While `open`, it is made of literals only and its context decides its type
/// (kind integer or floating of type.dtype says which types it can take); settle() closes it.
struct Checked {
  typed::Expr expr;
  bool open = false;

  const typed::Type& type() const { return expr.type; }
  DType dtype() const { return expr.type.dtype; }
};
// [end]
using MaybeChecked = std::optional<Checked>;

/// Checked and typed::Expr can only be moved, which initializer lists cannot do.
inline std::vector<Checked> list(Checked a) {
  std::vector<Checked> args;
  args.push_back(std::move(a));
  return args;
}
inline std::vector<Checked> list(Checked a, Checked b) {
  std::vector<Checked> args = list(std::move(a));
  args.push_back(std::move(b));
  return args;
}
inline typed::ExprPtr boxed(typed::Expr e) {
  return std::make_unique<typed::Expr>(std::move(e));
}

/// Why a type is wanted: the second place of a mismatch. Without text there is none.
using Origin = lexer::Note;

/// How messages show code.
inline std::string quoted(std::string_view code) {
  return fmt::format("`{}`", code);
}
inline std::string counted(size_t n, std::string_view thing) {
  return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
}
inline std::string quoted(const typed::Type& type) {
  return quoted(type.text());
}

/// A source function and what is known of it before any body is checked.
struct FunctionInfo {
  struct Callee {
    FunctionInfo* function;
    Span call;  ///< the first, if there are more
  };

  const Function* tree;
  bool in_prelude;
  bool broken;                    ///< holds a syntax error: only its signature counts
  bool all_scalar;                ///< parameters and result
  std::vector<Callee> callees;    ///< each once
  std::optional<Span> effect;     ///< a call here that prints, saves or asserts, itself or inside
  std::optional<Span> recursion;  ///< a call here that leads back here

  bool pure() const { return !effect; }
};

/// A const; its value is checked when first used.
struct ConstInfo {
  const Const* tree;
  bool in_prelude;
  ExprPtr replacement = nullptr;  ///< what a -D puts in place of its value
  enum { unchecked, checking, checked } state = unchecked;
  MaybeChecked value = std::nullopt;
};

struct RecordInfo {
  const Record* tree;
  bool in_prelude;
  bool wrong = false;  ///< its definition was refused; uses report nothing
  bool is_checked = false;
};

/// The items of one of the two programs.
struct Names {
  std::map<std::string, FunctionInfo> functions;
  std::map<std::string, RecordInfo> records;
  std::map<std::string, ConstInfo> consts;
};

class ProgramChecker {
 public:
  ProgramChecker(const CheckOptions& options, Diagnostics& diagnostics);
  typed::Program check(const Program& prelude, const Program& program);
  /// To be called after it.
  Unreached check_unreached();

  /// Who is called by this name; a program's own functions hide the prelude's.
  const FunctionInfo* find_function(const std::string& name, bool from_prelude) const;
  ConstInfo* find_const(const std::string& name, bool from_prelude);
  RecordInfo* find_record(const std::string& name, bool from_prelude);
  void add_record_names(std::vector<std::string>& names, bool from_prelude) const;
  /// Whether an item may be missing because of a syntax error: then unknown names report nothing.
  bool lost_items() const { return lost_items_; }
  /// Whether several items have this name: uses that fit another than the first report nothing.
  bool clashes(const std::string& name) const { return clashing_.contains(name); }
  bool anything_wrong() const { return diagnostics_.any(); }
  /// A copy of a const's value, nothing if it is wrong.
  MaybeChecked const_value(ConstInfo& info);
  void add_function_names(std::vector<std::string>& names, bool from_prelude) const;
  void add_const_names(std::vector<std::string>& names, bool from_prelude) const;
  /// The instance of a function for these parameters; its body is checked later. Null if there are
  /// too many.
  typed::Function* instantiate(const FunctionInfo& info, const Substitution& parameters, Span call,
                               Diagnostics& found);

 private:
  struct Instance {
    const FunctionInfo* info;
    Substitution parameters;
    typed::Function* function;
    Span call;  ///< where it was first asked for
    const Instance* caller;
    std::string key;  ///< in by_key_
  };

  void collect(const Program& program, bool is_prelude);
  static std::vector<FunctionInfo*> in_source_order(Names& names);
  std::vector<FunctionInfo*> all_functions();
  // check_graph.cpp
  void collect_callees();
  void spread_effects();
  void find_recursion();
  // check_constant.cpp
  void apply_defines();
  void check_schedules(const Program& program);
  void report_no_function(const Name& word);
  void check_define(const Define& define, ConstInfo& info);

  // check_record.cpp
  void check_records();
  void check_record(RecordInfo& info);
  bool is_record_fine(const RecordInfo& info);
  bool contains_itself(const RecordInfo& info);
  /// What parameters are checked with where all their values are meant: dimensions as symbols, each
  /// element type of their kind, runs of several lengths.
  static std::vector<Substitution> samples(const std::vector<Parameter>& parameters);
  /// One of them: with number `type` of the element types, with runs of this rank.
  static Substitution sample(const std::vector<Parameter>& parameters, size_t type, size_t rank,
                             const std::function<Extent(const std::string&)>& extent);

  bool check_parameters(const std::vector<Parameter>& parameters);
  void check_for_all(const FunctionInfo& info);
  bool is_broken(Span item) const;
  void check_instances(size_t first, Diagnostics& found);
  void check_instance(const Instance& instance, Diagnostics& found);
  // check_export.cpp
  void instantiate_exports();
  void instantiate_export(const Export& wanted);
  void export_as(const std::string& symbol, const FunctionInfo& info, const Substitution& parameters,
                 Span place);
  // check_unreached.cpp
  /// `given`, and the defaults of the others; nothing if that leaves one open.
  std::optional<Substitution> decide(const FunctionInfo& info, Substitution given);
  typed::Program check_at(const std::vector<const FunctionInfo*>& functions, size_t number);
  void enter(const FunctionInfo& info, const Substitution& parameters, Diagnostics& found);
  void forget_instances(size_t first);
  typed::Program finish_program();

  const CheckOptions& options_;
  Diagnostics& diagnostics_;
  Names prelude_, user_;
  typed::Program program_;
  std::deque<Instance> instances_;
  std::map<std::string, typed::Function*> by_key_;
  const Instance* present_ = nullptr;  ///< whose body is being checked
  int const_depth_ = 0;
  std::set<std::string> clashing_;
  bool lost_items_ = false;
};

// check_graph.cpp
/// Calls `visit` on every expression directly below.
void for_each_child(const Expr& e, const std::function<void(const Expr&)>& visit);
void for_each_child(const Stmt& s, const std::function<void(const Expr&)>& visit_expr,
                    const std::function<void(const Stmt&)>& visit_stmt);

// check_constant.cpp
bool is_constant(const typed::Expr& e);                ///< constants, operators, conversions
std::optional<Scalar> evaluate(const typed::Expr& e);  ///< closed; nothing if not is_constant
typed::Expr clone(const typed::Expr& e);  ///< of a constant expression or an element of a variable
size_t node_count(const typed::Expr& e);  ///< of a constant expression

// check_literal.cpp
/// The digits as a number of type `to`; nothing if it does not fit.
std::optional<Scalar> read_literal(std::string_view text, DType to);

// check_statement.cpp
bool ends(const Block& block);  ///< returns on every path or loops for ever

// check_type.cpp
/// `float`, `int` or `num`: what the element types of a parameter must be.
bool admits(std::string_view bound, DType type);
bool is_bound(std::string_view name);
const Parameter* find_parameter(const std::vector<Parameter>& parameters, std::string_view name,
                                ParameterKind kind);
/// The parameters that arguments by position are for. In a call runs have none: only arguments in
/// parentheses decide them. In a type a run takes all that the others leave; of several each takes one.
std::vector<const Parameter*> parameters_in_call(const std::vector<Parameter>& parameters);
std::vector<const Parameter*> parameters_in_type(const std::vector<Parameter>& parameters,
                                                 const std::vector<BracketArg>& args);
/// `Dense[64, 10]`
std::string applied(const Name& owner, const std::vector<Parameter>& parameters,
                    const Substitution& arguments);
typed::Type aggregate_type(typed::Aggregate aggregate);

// suggest.cpp
/// "did you mean …?", if one of `known` is near enough to be what was meant by the name at `span`;
/// certain, if just one is a single slip away.
void suggest(Diagnostic& d, std::string_view name, Span span, const std::vector<std::string>& known);
/// What Tenon calls a type that other languages call `name`; empty if none is meant.
std::string_view type_called(std::string_view name);

// check_builtin.cpp
std::optional<ScalarOp> scalar_builtin(std::string_view name);
enum class BuiltinKind { none, scalar, math, clamp, shaped, tensor, effect };
BuiltinKind builtin_kind(std::string_view name);
void add_builtin_names(std::vector<std::string>& names);

// check_math.cpp
std::optional<size_t> math_arity(std::string_view name);  ///< nothing if it is no such built-in
void add_math_names(std::vector<std::string>& names);

// check_lift.cpp
inline bool is_one(const Extent& e) {
  return e == Extent(1);
}
bool is_leaf(const typed::Expr& e);   ///< a constant or a variable
/// A reduction as it is computed: `sum` and `prod` of f16 and bf16 in f32, converted at the end.
typed::Expr rounded_once(typed::Expr reduce);
bool is_cheap(const typed::Expr& e);  ///< a leaf or an element by leaves: may stand twice

}  // namespace tenon::ast
