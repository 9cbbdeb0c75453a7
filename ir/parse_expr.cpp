// Index expressions, by recursive descent; operators by precedence climbing over scalar_ops.def.
//
//   compute    = "[" [index ":" extent {"," …}] "]" "{" expr "}"
//   expr       = operand {infix operand}
//   operand    = constant | index | %value | %value "[" expr {"," …} "]" | "(" expr ")"
//              | "if" expr "{" expr "}" "else" "{" expr "}"
//              | reduction "[" index ":" [expr ".."] expr {"," …} "]" "(" expr ")"
//              | (type | scalar op | @function) "(" [expr {"," …}] ")"
#include "ir/parse_expr.h"

#include <algorithm>
#include <unordered_set>

namespace tenon::ir {

using runtime::row;

namespace {

constexpr size_t kMaxIndices = 1000;  ///< bound at one place

class ExprParser {
 public:
  ExprParser(TextScanner& scanner, Module& module, Function& function, const Names& names,
             const FreeNames& free)
      : scanner_(scanner), module_(module), function_(function), names_(names), free_(free) {}

  Compute compute();
  ExprId whole() { return expr(0); }

 private:
  ExprId expr(int at_least);
  ExprId operand();
  ExprId named_operand();
  ExprId value();
  ExprId if_();
  ExprId convert(DType type);
  ExprId apply(ScalarOp op);
  ExprId reduce(Reduction reduction);
  ExprId call();
  ExprId index();
  void bind_index(std::vector<std::string_view>& names);
  std::vector<ExprId> list(std::string_view close);

  const Expr& node(ExprId id) const { return function_.exprs[id]; }
  void want(ExprId id, DType type, Span span, std::string_view what);
  ExprId bounded(ExprId id, Span begin);
  ExprId fallible(ExprId id, Span begin);

  TextScanner& scanner_;
  Module& module_;
  Function& function_;
  const Names& names_;
  const FreeNames& free_;
  Compute compute_;
  std::vector<std::string_view> levels_;  ///< names of the bound indices
  std::unordered_set<ExprId> sited_;
  uint32_t nesting_ = 0;
};

void check_depth(TextScanner& scanner, Span span, uint32_t depth) {
  if (depth > kMaxExprDepth)
    scanner.fail(span,
                 fmt::format("an expression is nested more than {} levels deep", kMaxExprDepth));
}

Compute ExprParser::compute() {
  const Span begin = scanner_.peek().span;
  scanner_.expect("[");
  while (!scanner_.at("]")) {
    if (!compute_.extents.empty()) scanner_.expect(",");
    bind_index(levels_);
    compute_.indices.emplace_back(levels_.back());
    compute_.extents.push_back(parse_extent(scanner_));
  }
  scanner_.expect("]");
  scanner_.expect("{");
  do {
    compute_.bodies.push_back(expr(0));
    const Type type{node(compute_.bodies.back()).type, compute_.extents};
    if (!runtime::byte_count(type.dtype, type.shape))
      scanner_.fail(begin, fmt::format("`{}` is too large for memory", type.text()));
  } while (scanner_.accept(","));
  scanner_.expect("}");
  return std::move(compute_);
}

/// `i:`, a new name among the bound ones and `names`.
void ExprParser::bind_index(std::vector<std::string_view>& names) {
  const Token name = scanner_.expect(TokenKind::name, "an index");
  if (is_reserved(name.text))
    scanner_.fail(name.span, fmt::format("`{}` cannot be the name of an index", name.text));
  auto is_in = [&](const auto& list) {
    return std::find(list.begin(), list.end(), name.text) != list.end();
  };
  if (is_in(levels_) || is_in(names))
    scanner_.fail(name.span, fmt::format("index `{}` is bound twice", name.text));
  if (levels_.size() + names.size() >= kMaxIndices)
    scanner_.fail(name.span, fmt::format("more than {} indices are bound here", kMaxIndices));
  names.push_back(name.text);
  scanner_.expect(":");
}

/// Operators at least as binding as `at_least`, grouped from the left; comparisons do not chain.
ExprId ExprParser::expr(int at_least) {
  const Span begin = scanner_.peek().span;
  ExprId left = operand();
  int at_most = std::numeric_limits<int>::max();
  while (const auto op = infix_op(scanner_.peek())) {
    const int precedence = row(*op).precedence;
    if (precedence < at_least || precedence > at_most) break;
    scanner_.take();
    const ExprId right = expr(precedence + 1);
    const Span span = lexer::join(begin, scanner_.last_span());
    check_operands(scanner_, span, *op, 2, {node(right).type, {}});
    left = fallible(function_.exprs.apply(*op, {left, right}), begin);
    const bool compares = row(*op).result == runtime::Result::boolean;
    at_most = compares ? precedence - 1 : precedence;
  }
  return left;
}

ExprId ExprParser::operand() {
  check_depth(scanner_, scanner_.peek().span, ++nesting_);
  ExprId result;
  if (at_constant(scanner_)) {
    result = function_.exprs.constant(parse_constant(scanner_, free_.integer, free_.floating));
  } else if (scanner_.accept("(")) {
    result = expr(0);
    scanner_.expect(")");
  } else if (scanner_.peek().kind == TokenKind::value) {
    result = value();
  } else if (scanner_.peek().kind == TokenKind::function) {
    result = call();
  } else if (scanner_.peek().kind == TokenKind::name) {
    result = named_operand();
  } else {
    scanner_.fail_expected("an expression");
  }
  --nesting_;
  return result;
}

/// A reduction's name before `[` is a reduction, before `(` a call, as in the language.
ExprId ExprParser::named_operand() {
  const std::string_view name = scanner_.peek().text;
  if (name == "if") return if_();
  const Token next = scanner_.peek_second();
  if (next.is(TokenKind::symbol, "[")) {
    if (const auto reduction = reduction_named(name)) return reduce(*reduction);
  }
  if (next.is(TokenKind::symbol, "(")) {
    if (const auto type = free_.types.find(name); type != free_.types.end())
      return convert(type->second);
    if (const auto type = dtype_named(name)) return convert(*type);
    if (const auto op = scalar_op_named(name)) return apply(*op);
    scanner_.fail_expected("a scalar operation or type before `(`");
  }
  return index();
}

ExprId ExprParser::index() {
  const Token name = scanner_.take();
  if (const auto value = free_.values.find(name.text); value != free_.values.end())
    return value->second;
  for (size_t level = 0; level < levels_.size(); ++level)
    if (levels_[level] == name.text) return function_.exprs.index(static_cast<uint32_t>(level));
  scanner_.fail(name.span, fmt::format("index `{}` is not bound here", name.text));
}

/// A scalar, or an element of a tensor.
ExprId ExprParser::value() {
  const Span begin = scanner_.peek().span;
  const ValueId id = parse_value(scanner_, names_);
  const Type& type = module_.type(function_, id);
  if (type.is_scalar()) return function_.exprs.value(id, type.dtype);
  scanner_.expect("[");
  std::vector<ExprId> subscripts = list("]");
  for (const ExprId subscript : subscripts) want(subscript, DType::i64, begin, "a subscript");
  if (subscripts.size() != type.shape.size()) {
    scanner_.fail(begin,
                  fmt::format("`%{}` has rank {}, but {} subscripts are given",
                              function_.value(id).name, type.shape.size(), subscripts.size()));
  }
  return fallible(function_.exprs.read(id, type.dtype, std::move(subscripts)), begin);
}

ExprId ExprParser::if_() {
  const Span begin = scanner_.take().span;
  const ExprId condition = expr(0);
  want(condition, DType::bool_, begin, "a condition");
  scanner_.expect("{");
  const ExprId then = expr(0);
  scanner_.expect("}");
  scanner_.expect_name("else");
  scanner_.expect("{");
  const ExprId otherwise = expr(0);
  scanner_.expect("}");
  return bounded(function_.exprs.if_(condition, then, otherwise), begin);
}

ExprId ExprParser::convert(DType type) {
  const Span begin = scanner_.take().span;
  scanner_.expect("(");
  const ExprId operand = expr(0);
  scanner_.expect(")");
  return bounded(function_.exprs.convert(type, operand), begin);
}

ExprId ExprParser::apply(ScalarOp op) {
  const Span begin = scanner_.take().span;
  scanner_.expect("(");
  std::vector<ExprId> args = list(")");
  const Type last = args.empty() ? Type{} : Type{node(args.back()).type, {}};
  check_operands(scanner_, begin, op, args.size(), last);
  return fallible(function_.exprs.apply(op, std::move(args)), begin);
}

ExprId ExprParser::reduce(Reduction reduction) {
  const Span begin = scanner_.take().span;
  scanner_.expect("[");
  const size_t level = levels_.size();
  std::vector<ExprId> bounds;
  std::vector<std::string_view> inner;
  do {
    bind_index(inner);  // not yet seen: bounds stand outside the reduction
    ExprId lo = function_.exprs.constant(Scalar::integer(DType::i64, 0)), hi = expr(0);
    if (scanner_.accept("..")) {
      lo = hi;
      hi = expr(0);
    }
    for (const ExprId bound : {lo, hi}) want(bound, DType::i64, begin, "a bound");
    bounds.insert(bounds.end(), {lo, hi});
  } while (scanner_.accept(","));
  scanner_.expect("]");
  levels_.insert(levels_.end(), inner.begin(), inner.end());
  scanner_.expect("(");
  const ExprId body = expr(0);
  scanner_.expect(")");
  levels_.resize(level);
  std::vector<std::string> names(inner.begin(), inner.end());
  // Two sums that are equal but for their names stay two until it is known that no schedule speaks of those.
  const ExprId made = function_.exprs.reduce(reduction, static_cast<uint32_t>(level), bounds, body, names);
  return fallible(function_.exprs.with_names(made, std::move(names), true), begin);
}

ExprId ExprParser::call() {
  const Span begin = scanner_.peek().span;
  const FuncId callee = parse_callee(scanner_, names_);
  scanner_.expect("(");
  std::vector<ExprId> args = list(")");
  const std::vector<TypeId>& results = module_.function(callee).results;
  if (results.size() != 1 || !module_.types[results[0]].is_scalar())
    scanner_.fail(begin, "only functions that return one scalar are called in an expression");
  return fallible(function_.exprs.call(callee, module_.types[results[0]].dtype, std::move(args)),
                  begin);
}

/// Expressions up to `close`, which is taken.
std::vector<ExprId> ExprParser::list(std::string_view close) {
  std::vector<ExprId> items;
  while (!scanner_.at(close)) {
    if (!items.empty()) scanner_.expect(",");
    items.push_back(expr(0));
  }
  scanner_.expect(close);
  return items;
}

void ExprParser::want(ExprId id, DType type, Span span, std::string_view what) {
  if (node(id).type == type) return;
  scanner_.fail(span,
                fmt::format("{} is `{}`, not `{}`", what, row(node(id).type).text, row(type).text));
}

ExprId ExprParser::bounded(ExprId id, Span begin) {
  check_depth(scanner_, begin, node(id).depth);
  return id;
}

/// Remembers where a node stands that may fail: the first place, if it is written twice.
ExprId ExprParser::fallible(ExprId id, Span begin) {
  const ExprKind kind = node(bounded(id, begin)).kind;
  const bool divides = kind == ExprKind::apply && runtime::is_integer(node(id).type) &&
                       (node(id).op == ScalarOp::div || node(id).op == ScalarOp::mod);
  if ((kind != ExprKind::apply || divides) && sited_.insert(id).second)
    compute_.sites.emplace_back(id, lexer::join(begin, scanner_.last_span()));
  return id;
}

}  // namespace

Compute parse_compute(TextScanner& scanner, Module& module, Function& function,
                      const Names& names) {
  const FreeNames none;
  return ExprParser(scanner, module, function, names, none).compute();
}

Schedule parse_schedule(TextScanner& scanner) {
  Schedule schedule;
  scanner.expect("(");
  while (!scanner.at(")")) {
    if (!schedule.empty()) scanner.expect(",");
    const std::string text = parse_string(scanner);
    const Span span = scanner.last_span();
    std::string mistake;
    auto directive = ast::typed::parse_directive(text, span, &mistake);
    if (!directive) scanner.fail(span, std::move(mistake));
    schedule.push_back(std::move(*directive));
  }
  scanner.expect(")");
  return schedule;
}

ExprId parse_free_expr(TextScanner& scanner, Module& module, Function& function,
                       const FreeNames& names) {
  const Names none;
  return ExprParser(scanner, module, function, none, names).whole();
}

}  // namespace tenon::ir
