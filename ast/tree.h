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

/// `i`, `i: N` (hi), or `i: lo..hi`.
struct IndexBinding {
  Name name;
  ExprPtr lo, hi;  ///< hi null: the extent is inferred; lo null: it begins at 0
};

/// `f32`, or `f32[M, N]`.
struct TypeExpr {
  DType dtype = DType::f32;
  std::vector<ExprPtr> extents;
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
/// `f(x)`; `callee` may also name a built-in.
struct Call { Name callee; std::vector<ExprPtr> args; };
struct Convert { DType to; Span type_span; ExprPtr operand; };  ///< `f32(x)`
/// `x[i, k]`, or with a value for what lies outside, `x[i - 1 else 0.0]`.
struct Subscript { ExprPtr base; std::vector<ExprPtr> subscripts; ExprPtr otherwise; };
struct Reduce { Reduction reduction; Span op_span; std::vector<IndexBinding> indices; ExprPtr body; };
struct IfExpr { ExprPtr condition, then, otherwise; };      ///< `else if` is an IfExpr in otherwise
struct TensorLiteral { std::vector<ExprPtr> elements; };
struct ErrorExpr {};                                        ///< where the parser recovered

struct Expr {
  Span span;
  int depth = 1;  ///< levels below and including this one
  std::variant<NumberLiteral, BoolLiteral, StringLiteral, NameRef, Unary, Binary, Matmul, Call, Convert,
               Subscript, Reduce, IfExpr, TensorLiteral, ErrorExpr>
      node;
};

// ---- statements

struct Stmt;
using Block = std::vector<Stmt>;

/// `let x = e;`, `let x: T = e;`, `let c[i, j] = e;`, `let c[i]: f64 = e;`, and `var` of each.
struct Let {
  bool is_var;
  Name name;
  std::optional<std::vector<IndexBinding>> indices;
  std::optional<TypeExpr> type;
  ExprPtr value;
};
/// `target op= value`; op is none for plain `=`. The target is a NameRef or a Subscript of one.
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
  std::variant<Let, Assign, If, While, For, Break, Continue, Return, Evaluate> node;
};

// ---- items

struct Param { Name name; TypeExpr type; };
struct Function {
  Name name;
  std::vector<Name> dimensions;  ///< `[B, I, O]`
  std::vector<Param> params;
  std::optional<TypeExpr> result;
  Block body;
  Span span;                     ///< from `fn` to the closing brace
};
struct Const { Name name; ExprPtr value; Span span; };

/// One file.
struct Program {
  std::vector<Const> consts;
  std::vector<Function> functions;
};

/// `emit ast`: the tree, a node a line, indented by level, each with its span as line:col-line:col.
std::string print(const Program& program, const lexer::SourceMap& sources);

}  // namespace tenon::ast
