// The tree: what the parser makes of the tokens, before any name or type is known.
//
// A node is a Span and a std::variant of plain structs; children are owned. The parser refuses trees
// deeper than kMaxDepth (Diag::nested_too_deeply), so that walks over a tree may recurse.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lexer/source.h"
#include "runtime/scalar.h"

namespace tenon::ast {

using lexer::Span;
using runtime::DType;

inline constexpr int kMaxDepth = 1000;   ///< levels of nodes
inline constexpr int kMaxBrackets = 256; ///< open brackets of any kind at one place

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// A name and where it stands.
struct Name {
  std::string text;
  Span span;
};

/// In the order of their tokens in lexer/tokens.def.
enum class Reduction : uint8_t { sum, prod, max, min, any, all, argmax, argmin };
std::string_view text(Reduction reduction);

/// `i`, `i: N` (hi), `i: lo..hi`, or a run of indices `...s`.
struct IndexBinding {
  Name name;
  ExprPtr lo, hi;  ///< hi null: the extent is inferred; lo null: it begins at 0
  bool is_run = false;
};

/// What stands in brackets behind the name of a function, record or element type: `3`, `N = 3`,
/// `f64`, `T = f64`. A name may be a type, too: the checker knows. Among the subscripts of an
/// expression it is a mistake.
struct BracketArg {
  Name name;  ///< text empty: by position
  std::variant<ExprPtr, DType> value;
  Span span;
};

/// `f32[M, N]`; `T`, `T[M, N]` or `Dense[I, O]`, which only names tell apart; `(f32, f32[N])`.
struct TypeExpr {
  std::variant<DType, Name, std::vector<TypeExpr>> head = DType::f32;
  std::vector<BracketArg> args;  ///< extents, or a record's arguments
  Span span;
};

// ---- expressions

struct NumberLiteral { std::string text; bool is_float; };  ///< without `_`
struct BoolLiteral { bool value; };
struct StringLiteral { std::string value; };
struct NameRef { std::string name; };
struct Unary { runtime::ScalarOp op; ExprPtr operand; };    ///< neg, not_
/// add sub mul div mod, eq ne lt le gt ge, and_ or_ (which decide from the left), pow (`**`).
struct Binary { runtime::ScalarOp op; Span op_span; ExprPtr left, right; };
struct Matmul { Span op_span; ExprPtr left, right; };       ///< `@`
/// `f(x)`, `conv2d[S = 2](x, w)`, `Dense(w = a, b = c)`; `callee` may also name a built-in.
struct Call {
  Name callee;
  std::vector<BracketArg> brackets;
  std::vector<ExprPtr> args;
  std::vector<Name> arg_names;  ///< empty if no argument has a name; else one each
};
struct Convert { DType to; Span type_span; ExprPtr operand; };  ///< `f32(x)`
/// `x[i, k]`, or with a value for what lies outside, `x[i - 1 else 0.0]`.
struct Subscript { ExprPtr base; std::vector<ExprPtr> subscripts; ExprPtr otherwise; };
struct Colon {};                                            ///< a subscript left open, `:`
struct Run { std::string name; };                           ///< `...s` among subscripts or extents
struct Field { ExprPtr base; Name name; };                  ///< `d.w`
struct Tuple { std::vector<ExprPtr> elements; };            ///< `(a, b)`
struct Reduce { Reduction reduction; Span op_span; std::vector<IndexBinding> indices; ExprPtr body; };
struct IfExpr { ExprPtr condition, then, otherwise; };      ///< `else if` is an IfExpr in otherwise
struct TensorLiteral { std::vector<ExprPtr> elements; };
struct ErrorExpr {};                                        ///< where the parser recovered

struct Expr {
  Span span;
  int depth = 1;  ///< levels below and including this one
  std::variant<NumberLiteral, BoolLiteral, StringLiteral, NameRef, Unary, Binary, Matmul, Call, Convert,
               Subscript, Colon, Run, BracketArg, Field, Tuple, Reduce, IfExpr, TensorLiteral, ErrorExpr>
      node;
};

// ---- statements

struct Stmt;
using Block = std::vector<Stmt>;

/// One word of a directive: a name, or a factor (an integer, or an expression in parentheses), or
/// one of `,` `=` `.`, which `sign` holds.
struct DirectiveWord {
  Span span;
  std::string name;
  ExprPtr factor;
  char sign = 0;
};
/// `split i by 8 as io, ii;`
struct Directive { Name name; std::vector<DirectiveWord> words; };
/// How a definition is to be computed; `path` names one inside a call, `schedule f.y { … }`.
struct Schedule { std::vector<Name> path; std::vector<Directive> directives; Span span; };

/// `let x = e;`, `let x: T = e;`, `let c[i, j] = e;`, `let c[i]: f64 = e;`, and `var` of each.
struct Let {
  bool is_var;
  Name name;
  std::optional<std::vector<IndexBinding>> indices;
  std::optional<TypeExpr> type;
  ExprPtr value;
  std::optional<Schedule> schedule = std::nullopt;
};
/// `let (a, b) = e;`
struct LetTuple { bool is_var; std::vector<Name> names; ExprPtr value; };
/// `target op= value`; op is none for plain `=`. The target is a NameRef, fields of one, or a
/// Subscript of either.
struct Assign {
  ExprPtr target;
  std::optional<runtime::ScalarOp> op;
  ExprPtr value;
};
struct If { ExprPtr condition; std::vector<Stmt> then, otherwise; };
struct While { ExprPtr condition; std::vector<Stmt> body; };
struct For { Name name; ExprPtr lo, hi; std::vector<Stmt> body; };
struct Break {};
struct Continue {};
struct Return { ExprPtr value; };      ///< null for `return;`
struct Evaluate { ExprPtr value; };    ///< a call for its effect

struct Stmt {
  Span span;
  std::variant<Let, LetTuple, Assign, If, While, For, Break, Continue, Return, Evaluate> node;
};

// ---- items

/// What brackets behind the name of a function or record declare: a dimension `N` or `N = 1`, an
/// element type `T: float`, a run of dimensions `...S`.
enum class ParameterKind : uint8_t { dimension, type, run };
struct Parameter {
  ParameterKind kind;
  Name name;
  ExprPtr fallback;  ///< of a dimension; may be null
  Name bound;        ///< of a type: `float`, `int` or `num`
};

struct Param { Name name; TypeExpr type; };
struct Function {
  Name name;
  std::vector<Parameter> parameters;  ///< `[B, I, O]`
  std::vector<Param> params;
  std::optional<TypeExpr> result;
  Block body;
  Span span;                     ///< from `fn` to the closing brace
};
struct Const { Name name; ExprPtr value; Span span; };
/// `struct Dense[I, O] { w: f32[I, O], b: f32[O] }`
struct Record {
  Name name;
  std::vector<Parameter> parameters;
  std::vector<Param> fields;
  Span span;
};
struct Import { std::string path; Span span; };

/// One file, or several read together.
struct Program {
  std::vector<Import> imports;
  std::vector<Const> consts;
  std::vector<Record> records;
  std::vector<Function> functions;
  std::vector<Schedule> schedules;  ///< of a file that holds nothing else
};

/// `emit ast`: the tree, a node a line, indented by level, each with its span as line:col-line:col.
std::string print(const Program& program, const lexer::SourceMap& sources);

}  // namespace tenon::ast
