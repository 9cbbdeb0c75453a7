// The typed tree: what the checker makes of the tree. Every name is resolved, every type and extent
// known, every implicit step written out:
//
//   - conversions and widenings are Convert nodes;
//   - `sum` and `prod` of f16 and bf16 are those of f32, converted: multiplications that lead up to
//     them, through branches and names too, are f32, and everything below is of its own type;
//   - `and`, `or` are IfExpr nodes (the right side is evaluated only when it decides);
//   - element-wise operators on tensors, lifted functions, `@`, zeros() and broadcasting are Compute
//     nodes, like the index definitions of the program;
//   - subscripts left open, reshape() and concat() are Compute nodes as well;
//   - a record that is loaded is a Tuple of Loads;
//   - consts, dimension parameters and literals are Constant nodes.
//
// A typed function is one instance of a source function: its extents are numbers. It is what the
// tree interpreter runs (interpret.h) and what lowering to SSA reads (ir/lower.h).
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ast/extent.h"
#include "ast/schedule.h"
#include "ast/tree.h"
#include "runtime/scalar.h"
#include "runtime/tensor.h"

namespace tenon::ast::typed {

using runtime::DType;
using runtime::Scalar;
using runtime::ScalarOp;

/// What the parameters of a function or record stand for: `[B = 1797, T = f32, S = (2, 3)]`.
struct Substitution {
  std::map<std::string, Extent> dimensions;
  std::map<std::string, DType> types;
  std::map<std::string, std::vector<Extent>> runs;

  bool operator==(const Substitution&) const = default;
  /// One parameter's part: `1797`, `f32`, `2x3`.
  std::string text(const std::string& parameter) const;
};

struct Aggregate;

/// Of a value: a scalar (`shape` empty), a tensor, or a tuple or record of others. While a function
/// is checked for all its instances at once extents hold its parameters; in the typed tree they are
/// constants.
struct Type {
  DType dtype = DType::i64;
  std::vector<Extent> shape = {};
  std::shared_ptr<const Aggregate> aggregate = nullptr;  ///< if there is one, the rest means nothing

  bool is_scalar() const { return shape.empty() && !aggregate; }
  bool operator==(const Type& other) const;
  std::string text() const;           ///< `f32[64, 10]`, `(f32, i64[3])`, `Dense[64, 10]`
  runtime::Shape concrete_shape() const;
  /// Of the scalars and tensors that it is made of, in order; of itself if it is one.
  size_t leaf_count() const;
  void for_each_leaf(const std::function<void(const Type&)>& visit) const;
};

/// A tuple (no name, no fields) or a record.
struct Aggregate {
  std::string name, shown;            ///< `Dense`, `Dense[64, 10]`
  Substitution arguments;
  std::vector<std::string> fields;
  std::vector<Type> parts;
  size_t leaves = 0;                  ///< at most kMaxLeaves
};
inline constexpr size_t kMaxLeaves = 1'000;

using VarId = uint32_t;  ///< index into Function::vars

enum class VarKind : uint8_t {
  parameter,  ///< of the function
  let,        ///< bound once
  var,        ///< may be assigned again
  loop,       ///< of a `for`: i64
  index,      ///< bound by a Compute or Reduce: i64
  operand,    ///< a Compute's operand, evaluated before its first element
};

struct Var {
  std::string name;
  Type type;
  Span span;
  VarKind kind;
};

struct Function;

// ---- expressions

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// `literal` is the number as written, while its context may still decide its type (checker only).
struct Constant { Scalar value; std::string literal; };
struct Variable { VarId var; };
struct Apply { ScalarOp op; std::vector<Expr> args; };       ///< on scalars
struct Convert { ExprPtr operand; };                         ///< scalar, to the expression's type
struct IfExpr { ExprPtr condition, then, otherwise; };       ///< scalars or tensors
/// One element. Out of range: `otherwise` if there is one, else Fault subscript_out_of_range.
struct Element { ExprPtr tensor; std::vector<Expr> subscripts; ExprPtr otherwise; };
/// Bounds are evaluated outside the reduction, once, i64; the index runs over [lo, hi).
struct ReduceIndex { VarId var; ExprPtr lo, hi; };
/// Over all combinations, the last index fastest. argmax/argmin have one index and give i64.
struct Reduce { Reduction reduction; std::vector<ReduceIndex> indices; ExprPtr body; };
/// `math` names the mathematical built-in that was called, whose callee its type decides; else empty.
struct Call { const Function* callee; std::vector<Expr> args; std::string math = {}; };
/// An index runs over [lo, lo + extent); element 0 of the result is at lo.
struct ComputeIndex { VarId var; int64_t lo = 0; Extent extent; };
struct Operand { VarId var; ExprPtr value; };
// [snippet compute]
/// A tensor by its elements: operands are evaluated in order, then `body` for every index in
/// row-major order. Without indices it is a scalar: its operands are named once and used often.
struct Compute { std::vector<Operand> operands; std::vector<ComputeIndex> indices; ExprPtr body; };
// [end]
struct Pack { std::vector<Expr> elements; };                 ///< a tensor literal's scalars, row-major
/// `name` is the tensor's in a file that holds them by name; else empty (runtime/file_format.h).
struct Load { std::string path, name; };
struct Tuple { std::vector<Expr> parts; };                   ///< a tuple or record, part by part
struct Field { ExprPtr base; size_t part; };
/// `tensor` with values[i], an element or a part, added to tensor[ids[i]], in the order of i.
struct ScatterAdd { ExprPtr tensor, ids, values; };

struct Expr {
  Type type;
  Span span;
  std::variant<Constant, Variable, Apply, Convert, IfExpr, Element, Reduce, Call, Compute, Pack, Load,
               Tuple, Field, ScatterAdd>
      node;
};

// ---- statements

struct Stmt;

/// let, var, and assignment to a var. A schedule changes how the value is computed, never what it is.
struct Define { VarId var; Expr value; std::optional<PlacedSchedule> schedule = std::nullopt; };
/// `t[i, j] = e`, `t[i, :] = e`, `s.f = e`: at the field that `path` leads to (empty: the variable
/// itself). Open subscripts are nothing, and then the value has just the extents left open. Without
/// subscripts the whole field is replaced.
struct Update {
  VarId var;
  std::vector<size_t> path;
  std::vector<std::optional<Expr>> subscripts;
  Expr value;
};
struct If { Expr condition; std::vector<Stmt> then, otherwise; };
struct While { Expr condition; std::vector<Stmt> body; };
struct For { VarId var; Expr lo, hi; std::vector<Stmt> body; };
struct Break {};
struct Continue {};
struct Return { std::optional<Expr> value; };
/// A piece is a literal text or a value.
struct Print { std::vector<std::variant<std::string, Expr>> pieces; };
struct Save { std::string path; Expr value; };
struct Write { Expr value; };                                  ///< an i8 tensor of rank 1
struct Assert { Expr condition; std::string message; };
struct Evaluate { Expr value; };                               ///< a call of an effectful function

struct Stmt {
  Span span;
  std::variant<Define, Update, If, While, For, Break, Continue, Return, Print, Save, Write, Assert,
               Evaluate>
      node;
};

// ---- functions

struct Function {
  std::string name;                   ///< of the source function
  std::vector<std::pair<std::string, std::string>> arguments;  ///< `B = 1797, T = f32`
  std::vector<Var> vars;              ///< parameters first
  size_t param_count = 0;
  std::optional<Type> result;
  std::vector<Stmt> body;
  Span span;
  bool pure = true;                   ///< no print, save or assert, here or in a callee
  bool recursive = false;             ///< can reach itself; only between scalar functions
  std::string exported;               ///< what C calls it; empty: it is not to be called from outside

  std::string text() const;           ///< `linear[B = 1797, I = 64, O = 64]`
};

/// Every instance that main reaches, main first; or that the functions of a library reach.
struct Program {
  std::vector<std::unique_ptr<Function>> functions;
  const Function* main = nullptr;
  std::vector<PlacedSchedule> schedules;  ///< from outside the program, by path
};

/// Where an element out of range is reported: from the first subscript to the last. `whole` is the
/// place of the element or assignment, for subscripts that have none.
Span subscripts_span(const std::vector<Expr>& subscripts, Span whole);
Span subscripts_span(const std::vector<std::optional<Expr>>& subscripts, Span whole);

/// `emit types`: source-like text with every type written out.
std::string print(const Program& program);

}  // namespace tenon::ast::typed
