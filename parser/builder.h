// Makes the nodes of the tree for the grammar's rules, and refuses what the tree cannot hold:
// levels beyond kMaxDepth, and what the language has but this compiler has not.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ast/tree.h"
#include "parser/token_feed.h"

namespace tenon::parser {

using ast::ExprPtr;
using ast::Reduction;
using lexer::Span;
using runtime::DType;
using runtime::ScalarOp;

using ExprNode = decltype(ast::Expr::node);
using ExprList = std::vector<ExprPtr>;
using NameList = std::vector<ast::Name>;
using TypeList = std::vector<ast::TypeExpr>;
using ParameterList = std::vector<ast::Parameter>;
using BracketList = std::vector<ast::BracketArg>;
using DirectiveList = std::vector<ast::Directive>;
using ParamList = std::vector<ast::Param>;
using IndexList = std::vector<ast::IndexBinding>;

/// An argument of a call; the name is empty in most.
struct Arg {
  ast::Name name;
  ExprPtr value;
};
using ArgList = std::vector<Arg>;

class Builder {
 public:
  Builder(TokenFeed& tokens, ast::Program& program) : program(program), tokens_(tokens) {}

  ast::Name name(Span span) const { return {std::string(tokens_.text(span)), span}; }

  /// Any expression node; ErrorExpr if it would be too deep.
  ExprPtr expr(Span span, ExprNode node);
  ExprPtr number(Span span, bool is_float);
  ExprPtr string(Span span);
  std::string string_value(Span span) const;
  ExprPtr unary(Span span, ScalarOp op, ExprPtr operand);
  ExprPtr binary(ExprPtr left, ScalarOp op, Span op_span, ExprPtr right);
  /// binary(), but refuses `a < b < c`, which is not what it says on paper.
  ExprPtr comparison(ExprPtr left, ScalarOp op, Span op_span, ExprPtr right);
  ExprPtr matmul(ExprPtr left, Span op_span, ExprPtr right);
  /// Widens the span of `inner` over its parentheses.
  ExprPtr parenthesized(Span span, ExprPtr inner);
  ExprPtr subscript(Span span, ExprPtr base, BracketList brackets, ExprPtr otherwise);
  /// `f(x)` and `f[N = 3](x)`; `callee` must be a name, with or without brackets.
  ExprPtr call(Span span, ExprPtr callee, ArgList args);
  ExprPtr call(Span span, ast::Name callee, BracketList brackets, ArgList args);
  ExprPtr convert(Span span, DType to, Span type_span, ArgList args);
  ExprPtr tuple(Span span, ExprPtr first, ExprList others);
  ast::TypeExpr tuple_type(Span span, ast::TypeExpr first, TypeList others);

  ast::Stmt assign(Span span, ExprPtr target, std::optional<ScalarOp> op, ExprPtr value);

  /// Reports "`what` not supported yet": not_supported(@1, "records are").
  void not_supported(Span span, std::string_view what);
  /// The same where an expression is due.
  ExprPtr unsupported(Span span, std::string_view what);

  ast::Program& program;

 private:
  std::vector<lexer::Edit> linked(Span left, Span middle) const;

  TokenFeed& tokens_;
};

}  // namespace tenon::parser
