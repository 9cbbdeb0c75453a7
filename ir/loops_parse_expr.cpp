// Expressions of loop nests, by recursive descent, as parse_expr.cpp reads those over indices.
//
//   expr       = operand {infix operand}
//   operand    = constant | loop | local ["[" list "]"] | %scalar | %buffer "[" list ["if" expr]
//   "]"
//              | "(" expr ")" | (type | scalar op) "(" list ")"
//   list       = [expr {"," …}]
#include "ir/loops_parse_expr.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "ir/loops_build.h"

namespace tenon::ir::loops {

using runtime::row;

std::optional<LocalId> local_named(std::string_view name) {
  if (name.empty() || name[0] < 'a' || name[0] > 'h') return std::nullopt;
  const LocalId letter = static_cast<LocalId>(name[0] - 'a');
  if (name.size() == 1) return letter;
  LocalId number = 0;
  const char* end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + 1, end, number);
  constexpr LocalId kMost = std::numeric_limits<LocalId>::max() / 8 - 1;
  if (error != std::errc() || at != end || name[1] == '0' || number > kMost) return std::nullopt;
  return 8 * number + letter;
}

NestExprParser::Parsed NestExprParser::made(Span begin, DType type, decltype(Expr::node) node,
                                            uint32_t depth) {
  if (depth > kMaxExprDepth)
    scanner_.fail(begin,
                  fmt::format("an expression is nested more than {} levels deep", kMaxExprDepth));
  return {make(type, std::move(node)), depth};
}

/// Operators at least as binding as `at_least`, grouped from the left; comparisons do not chain.
NestExprParser::Parsed NestExprParser::infix(int at_least) {
  const Span begin = scanner_.peek().span;
  Parsed left = operand();
  int at_most = std::numeric_limits<int>::max();
  while (const auto op = infix_op(scanner_.peek())) {
    const int precedence = row(*op).precedence;
    if (precedence < at_least || precedence > at_most) break;
    scanner_.take();
    const Parsed right = infix(precedence + 1);
    const DType type = right.expr->type;
    check_operands(scanner_, lexer::join(begin, scanner_.last_span()), *op, 2, {type, {}});
    left = made(begin, runtime::result_type(*op, type), Apply{*op, {left.expr, right.expr}},
                std::max(left.depth, right.depth) + 1);
    const bool compares = row(*op).result == runtime::Result::boolean;
    at_most = compares ? precedence - 1 : precedence;
  }
  return left;
}

NestExprParser::Parsed NestExprParser::operand() {
  const Span begin = scanner_.peek().span;
  if (++nesting_ > kMaxExprDepth)
    scanner_.fail(begin,
                  fmt::format("an expression is nested more than {} levels deep", kMaxExprDepth));
  Parsed result;
  if (at_constant(scanner_)) {
    const Scalar constant = parse_constant(scanner_);
    result = made(begin, constant.type, Constant{constant}, 1);
  } else if (scanner_.accept("(")) {
    result = infix(0);
    scanner_.expect(")");
  } else if (scanner_.peek().kind == TokenKind::value) {
    result = value();
  } else if (scanner_.peek().kind != TokenKind::name) {
    scanner_.fail_expected("an expression");
  } else if (scanner_.peek_second().is(TokenKind::symbol, "(")) {
    result = call();
  } else {
    result = loop();
  }
  --nesting_;
  return result;
}

/// A scalar parameter, or an element of a tensor, behind whose subscripts a guard may stand.
NestExprParser::Parsed NestExprParser::value() {
  const Token name = scanner_.peek();
  if (const auto scalar = names_.scalars.find(name.text); scalar != names_.scalars.end()) {
    scanner_.take();
    return made(name.span, kernel_.scalars[scalar->second].type, Scalar_{scalar->second}, 1);
  }
  Read read{buffer(), {}};
  uint32_t depth = 0;
  read.subscripts = items("]", depth);
  if (scanner_.accept_name("if")) {
    const Parsed guard = infix(0);
    read.guard = guard.expr;
    depth = std::max(depth, guard.depth);
  }
  scanner_.expect("]");
  return made(name.span, kernel_.buffers[read.buffer].type.dtype, std::move(read), depth + 1);
}

/// `max(a, b)`, `f64(a)`, `select(a, b, c)`
NestExprParser::Parsed NestExprParser::call() {
  const Token name = scanner_.take();
  const auto convert = dtype_named(name.text);
  const auto op = scalar_op_named(name.text);
  if (!convert && !op)
    scanner_.fail(name.span, fmt::format("there is no scalar operation or type `{}`", name.text));
  scanner_.expect("(");
  uint32_t depth = 0;
  std::vector<ExprPtr> args = list(")", depth);
  if (convert) {
    if (args.size() != 1)
      scanner_.fail(name.span, fmt::format("`{}` converts one number, but {} are given", name.text,
                                           args.size()));
    return made(name.span, *convert, Convert{args[0]}, depth + 1);
  }
  const Type last = args.empty() ? Type{} : Type{args.back()->type, {}};
  check_operands(scanner_, name.span, *op, args.size(), last);
  if (*op == ScalarOp::select)
    return made(name.span, last.dtype, Select{args[0], args[1], args[2]}, depth + 1);
  return made(name.span, runtime::result_type(*op, last.dtype), Apply{*op, std::move(args)},
              depth + 1);
}

/// A loop variable, or a local.
NestExprParser::Parsed NestExprParser::loop() {
  const Token name = scanner_.peek();
  if (local_named(name.text)) {
    uint32_t depth = 0;
    const LocalId id = declared_local();
    std::vector<ExprPtr> subscripts;
    if (scanner_.accept("[")) subscripts = list("]", depth);
    return made(name.span, kernel_.locals[id].dtype, Local{id, std::move(subscripts)}, depth + 1);
  }
  const auto loop = names_.loops.find(name.text);
  if (loop == names_.loops.end() ||
      std::ranges::find(names_.open_loops, loop->second) == names_.open_loops.end())
    scanner_.fail(name.span, fmt::format("there is no loop `{}` around this", name.text));
  scanner_.take();
  return made(name.span, DType::i64, Loop{loop->second}, 1);
}

// ---- what statements write to

/// Up to its opening bracket.
BufferId NestExprParser::buffer() {
  const Token name = scanner_.expect(TokenKind::value, "a tensor");
  const auto found = names_.buffers.find(name.text);
  if (found == names_.buffers.end())
    scanner_.fail(name.span, fmt::format("the kernel has no parameter `%{}`", name.text));
  scanner_.expect("[");
  return found->second;
}

LocalId NestExprParser::declared_local() {
  const Token name = scanner_.take();
  const LocalId id = *local_named(name.text);
  if (id >= names_.declared.size() || !names_.declared[id])
    scanner_.fail(name.span, fmt::format("local `{}` is not declared before this", name.text));
  return id;
}

Read NestExprParser::element() {
  const BufferId id = buffer();
  return {id, list("]")};
}

Local NestExprParser::local() {
  if (!local_named(scanner_.peek().text)) scanner_.fail_expected("a local");
  const LocalId id = declared_local();
  return {id, scanner_.accept("[") ? list("]") : std::vector<ExprPtr>{}};
}

std::vector<ExprPtr> NestExprParser::list(std::string_view close) {
  uint32_t depth = 0;
  return list(close, depth);
}

std::vector<ExprPtr> NestExprParser::list(std::string_view close, uint32_t& depth) {
  std::vector<ExprPtr> list = items(close, depth);
  scanner_.expect(close);
  return list;
}

/// Up to `close` or the `if` of a guard. `depth` becomes that of the deepest.
std::vector<ExprPtr> NestExprParser::items(std::string_view close, uint32_t& depth) {
  std::vector<ExprPtr> items;
  while (!scanner_.at(close) && !scanner_.at_name("if")) {
    if (!items.empty()) scanner_.expect(",");
    const Parsed item = infix(0);
    items.push_back(item.expr);
    depth = std::max(depth, item.depth);
  }
  return items;
}

}  // namespace tenon::ir::loops
