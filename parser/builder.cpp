#include "parser/builder.h"

#include <algorithm>
#include <charconv>

#include "lexer/literals.h"
#include "lexer/scanner.h"

namespace tenon::parser {

using lexer::Diag;

namespace {

int depth(const ExprPtr& child) {
  return child ? child->depth : 0;
}

int depth(const ExprList& children) {
  int deepest = 0;
  for (const ExprPtr& child : children) deepest = std::max(deepest, depth(child));
  return deepest;
}

int depth(const ast::BracketArg& arg) {
  const auto* value = std::get_if<ExprPtr>(&arg.value);
  return value ? depth(*value) : 0;
}

int depth(const BracketList& args) {
  int deepest = 0;
  for (const ast::BracketArg& arg : args) deepest = std::max(deepest, depth(arg));
  return deepest;
}

int depth(const IndexList& indices) {
  int deepest = 0;
  for (const ast::IndexBinding& index : indices) {
    deepest = std::max({deepest, depth(index.lo), depth(index.hi)});
  }
  return deepest;
}

/// The depth of a node's deepest child: an overload for each kind of node that has any.
struct ChildrenDepth {
  int operator()(const ast::Unary& e) const { return depth(e.operand); }
  int operator()(const ast::Binary& e) const { return std::max(depth(e.left), depth(e.right)); }
  int operator()(const ast::Matmul& e) const { return std::max(depth(e.left), depth(e.right)); }
  int operator()(const ast::Call& e) const { return std::max(depth(e.brackets), depth(e.args)); }
  int operator()(const ast::Convert& e) const { return depth(e.operand); }
  int operator()(const ast::Subscript& e) const {
    return std::max({depth(e.base), depth(e.subscripts), depth(e.otherwise)});
  }
  int operator()(const ast::BracketArg& e) const { return depth(e); }
  int operator()(const ast::Field& e) const { return depth(e.base); }
  int operator()(const ast::Tuple& e) const { return depth(e.elements); }
  int operator()(const ast::Reduce& e) const { return std::max(depth(e.indices), depth(e.body)); }
  int operator()(const ast::IfExpr& e) const {
    return std::max({depth(e.condition), depth(e.then), depth(e.otherwise)});
  }
  int operator()(const ast::TensorLiteral& e) const { return depth(e.elements); }
  template <class Leaf>
  int operator()(const Leaf&) const {
    return 0;
  }
};

bool is_error(const ExprPtr& e) {
  return std::holds_alternative<ast::ErrorExpr>(e->node);
}

bool is_comparison(ScalarOp op) {
  return row(op).precedence == row(ScalarOp::lt).precedence;
}

}  // namespace

ExprPtr Builder::expr(Span span, ExprNode node) {
  int levels = 1 + std::visit(ChildrenDepth{}, node);
  if (levels > ast::kMaxDepth) {
    tokens_.too_deep(span, ast::kMaxDepth);
    return std::make_unique<ast::Expr>(ast::Expr{span, 1, ast::ErrorExpr{}});
  }
  return std::make_unique<ast::Expr>(ast::Expr{span, levels, std::move(node)});
}

ExprPtr Builder::number(Span span, bool is_float) {
  std::string text(tokens_.text(span));
  std::erase(text, '_');
  return expr(span, ast::NumberLiteral{std::move(text), is_float});
}

std::string Builder::string_value(Span span) const {
  return lexer::string_value(tokens_.text(span));
}

ExprPtr Builder::string(Span span) {
  return expr(span, ast::StringLiteral{string_value(span)});
}

ExprPtr Builder::unary(Span span, ScalarOp op, ExprPtr operand) {
  return expr(span, ast::Unary{op, std::move(operand)});
}

ExprPtr Builder::binary(ExprPtr left, ScalarOp op, Span op_span, ExprPtr right) {
  Span span = join(left->span, right->span);
  return expr(span, ast::Binary{op, op_span, std::move(left), std::move(right)});
}

/// The edit that makes two comparisons of `a < b < c`: the middle is written twice. Not where that is a
/// call, which may have an effect, nor behind `not`, which would take the first comparison only.
std::vector<lexer::Edit> Builder::linked(Span left, Span middle) const {
  std::string_view before = tokens_.text({left.file, 0, left.begin});
  before = before.substr(0, before.find_last_not_of(" \t\r\n") + 1);
  const std::string_view text = tokens_.text(middle);
  if (before.ends_with("not") || text.find('(') != text.npos) return {};
  return {{{middle.file, middle.end, middle.end}, fmt::format(" and {}", text)}};
}

ExprPtr Builder::comparison(ExprPtr left, ScalarOp op, Span op_span, ExprPtr right) {
  // In parentheses an expression begins before its first operand.
  const auto* inner = std::get_if<ast::Binary>(&left->node);
  if (inner && is_comparison(inner->op) && inner->left->span.begin == left->span.begin) {
    auto part = [&](Span span) { return lexer::shortened(tokens_.text(span), 20); };
    tokens_.diagnostics()
        .report(Diag::chained_comparison, op_span)
        .note(inner->op_span, "the first comparison")
        .hint(fmt::format("write `{} and {} {} {}`", part(left->span), part(inner->right->span),
                          row(op).infix, part(right->span)),
              linked(left->span, inner->right->span));
  }
  return binary(std::move(left), op, op_span, std::move(right));
}

ExprPtr Builder::matmul(ExprPtr left, Span op_span, ExprPtr right) {
  Span span = join(left->span, right->span);
  return expr(span, ast::Matmul{op_span, std::move(left), std::move(right)});
}

ExprPtr Builder::parenthesized(Span span, ExprPtr inner) {
  inner->span = span;
  return inner;
}

ExprPtr Builder::subscript(Span span, ExprPtr base, BracketList brackets, ExprPtr otherwise) {
  ExprList subscripts;
  for (ast::BracketArg& arg : brackets) {
    auto* plain = arg.name.text.empty() ? std::get_if<ExprPtr>(&arg.value) : nullptr;
    const Span place = arg.span;
    subscripts.push_back(plain ? std::move(*plain) : expr(place, std::move(arg)));
  }
  return expr(span, ast::Subscript{std::move(base), std::move(subscripts), std::move(otherwise)});
}

ExprPtr Builder::call(Span span, ExprPtr callee, ArgList args) {
  if (auto* function = std::get_if<ast::NameRef>(&callee->node)) {
    return call(span, {std::move(function->name), callee->span}, {}, std::move(args));
  }
  auto* subscript = std::get_if<ast::Subscript>(&callee->node);
  auto* function =
      subscript && !subscript->otherwise ? std::get_if<ast::NameRef>(&subscript->base->node) : nullptr;
  if (function) {
    BracketList brackets;
    for (ExprPtr& e : subscript->subscripts) {
      auto* arg = std::get_if<ast::BracketArg>(&e->node);
      const Span place = e->span;
      brackets.push_back(arg ? std::move(*arg) : ast::BracketArg{{}, std::move(e), place});
    }
    return call(span, {std::move(function->name), subscript->base->span}, std::move(brackets),
                std::move(args));
  }
  if (!is_error(callee)) {
    auto& d =
        tokens_.diagnostics().report(Diag::syntax_error, callee->span, "only a name can be called");
    d.with_label("this is an expression");
    if (auto* method = std::get_if<ast::Field>(&callee->node)) {
      d.hint(fmt::format("there are no methods: write `{}(x, …)`", method->name.text));
    }
  }
  return expr(span, ast::ErrorExpr{});
}

ExprPtr Builder::call(Span span, ast::Name callee, BracketList brackets, ArgList args) {
  ast::Call made{std::move(callee), std::move(brackets), {}, {}};
  const bool named = std::ranges::any_of(args, [](const Arg& a) { return !a.name.text.empty(); });
  for (Arg& arg : args) {
    made.args.push_back(std::move(arg.value));
    if (named) made.arg_names.push_back(std::move(arg.name));
  }
  return expr(span, std::move(made));
}

ExprPtr Builder::convert(Span span, DType to, Span type_span, ArgList args) {
  if (args.size() == 1 && args[0].name.text.empty()) {
    return expr(span, ast::Convert{to, type_span, std::move(args[0].value)});
  }
  tokens_.diagnostics().report(Diag::argument_count, span, row(to).text, 1, args.size());
  return expr(span, ast::ErrorExpr{});
}

ExprPtr Builder::tuple(Span span, ExprPtr first, ExprList others) {
  others.insert(others.begin(), std::move(first));
  return expr(span, ast::Tuple{std::move(others)});
}

ast::TypeExpr Builder::tuple_type(Span span, ast::TypeExpr first, TypeList others) {
  others.insert(others.begin(), std::move(first));
  return {std::move(others), {}, span};
}

ast::Stmt Builder::assign(Span span, ExprPtr target, std::optional<ScalarOp> op, ExprPtr value) {
  const auto* subscript = std::get_if<ast::Subscript>(&target->node);
  const ast::Expr* whole = subscript ? subscript->base.get() : target.get();
  while (const auto* field = std::get_if<ast::Field>(&whole->node)) whole = field->base.get();
  bool is_element = !subscript || !subscript->otherwise;
  bool is_named = std::holds_alternative<ast::NameRef>(whole->node) ||
                  std::holds_alternative<ast::ErrorExpr>(whole->node);
  if (!is_element || !is_named) {
    tokens_.diagnostics()
        .report(Diag::not_assignable, target->span, lexer::shortened(tokens_.text(target->span)))
        .hint("a variable can be assigned, `x = 1`, and a field, an element or a part of one, "
              "`s.f = 1`, `t[i, j] = 1`, `t[i, :] = 1`");
    target = expr(target->span, ast::ErrorExpr{});
  }
  return {span, ast::Assign{std::move(target), op, std::move(value)}};
}

void Builder::not_supported(Span span, std::string_view what) {
  tokens_.diagnostics().report(Diag::not_supported, span, what);
}

ExprPtr Builder::unsupported(Span span, std::string_view what) {
  not_supported(span, what);
  return expr(span, ast::ErrorExpr{});
}

}  // namespace tenon::parser
