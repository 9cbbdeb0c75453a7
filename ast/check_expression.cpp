// Expressions: names, operators, conversions, `if`.
#include <algorithm>

#include "ast/function_checker.h"

namespace tenon::ast {

// ---- small makers

typed::Expr FunctionChecker::constant(Scalar value, Span span) {
  return {{value.type, {}}, span, typed::Constant{value, {}}};
}

typed::Expr FunctionChecker::number(DType type, int64_t value, Span span) {
  if (type == DType::bool_) return constant(Scalar::boolean(value != 0), span);
  return constant(runtime::is_floating(type) ? Scalar::floating(type, static_cast<double>(value))
                                             : Scalar::integer(type, value),
                  span);
}

typed::Expr FunctionChecker::variable(typed::VarId var, Span span) {
  return {type_of(var), span, typed::Variable{var}};
}

// ---- what is asked for

MaybeChecked FunctionChecker::expression(const Expr& e, TypePtr want) {
  if (diagnostics_->full()) return std::nullopt;
  return std::visit([&](auto& n) { return check(n, e.span, want); }, e.node);
}

std::optional<typed::Expr> FunctionChecker::expression_of(const Expr& e, const typed::Type& type,
                                                          const Origin& origin) {
  auto c = expression(e, &type);
  if (!c || !coerce(*c, type, origin)) return std::nullopt;
  return std::move(c->expr);
}

std::optional<typed::Expr> FunctionChecker::settled(const Expr& e, TypePtr want) {
  auto c = expression(e, want);
  if (!c || !settle_default(*c)) return std::nullopt;
  return std::move(c->expr);
}

void FunctionChecker::look_at(const Expr& e) {
  Diagnostics found, *all = std::exchange(diagnostics_, &found);
  found.ignore(Diag::needs_context);
  expression(e);
  diagnostics_ = all;
  for (const Diagnostic& d : found.all()) diagnostics_->add(d);
}

void FunctionChecker::look_at(const std::vector<ExprPtr>& all) {
  for (const ExprPtr& e : all) look_at(*e);
}

// ---- leaves

MaybeChecked FunctionChecker::check(const NumberLiteral& n, Span span, TypePtr) {
  typed::Expr e = number(n.is_float ? DType::f32 : DType::i32, 0, span);  // a kind, for now
  std::get<typed::Constant>(e.node).literal = n.text;
  return Checked{std::move(e), true};
}

MaybeChecked FunctionChecker::check(const BoolLiteral& n, Span span, TypePtr) {
  return Checked{constant(Scalar::boolean(n.value), span)};
}

MaybeChecked FunctionChecker::check(const StringLiteral&, Span span, TypePtr) {
  report(Diag::misplaced_string, span);
  return std::nullopt;
}

MaybeChecked FunctionChecker::check(const ErrorExpr&, Span, TypePtr) {
  return std::nullopt;
}

MaybeChecked FunctionChecker::check(const Colon&, Span span, TypePtr) {
  report(Diag::misplaced_subscript, span, "`:` stands only among subscripts");
  return std::nullopt;
}

MaybeChecked FunctionChecker::check(const Run& n, Span span, TypePtr) {
  report(Diag::misplaced_subscript, span,
         fmt::format("{} stands only among subscripts", quoted("..." + n.name)));
  return std::nullopt;
}

MaybeChecked FunctionChecker::check(const BracketArg& n, Span span, TypePtr) {
  auto* type = std::get_if<DType>(&n.value);
  const std::string shown = type ? std::string(runtime::row(*type).text) : n.name.text + " = …";
  report(Diag::misplaced_subscript, span, fmt::format("{} is no subscript", quoted(shown)))
      .hint("a call's arguments in brackets stand before its parentheses: `f[N = 3](x)`");
  return std::nullopt;
}

MaybeChecked FunctionChecker::check(const NameRef& n, Span span, TypePtr) {
  if (auto id = find(n.name)) {
    if (wrong_.contains(*id)) return std::nullopt;
    return Checked{variable(*id, span)};
  }
  if (auto it = parameters_.dimensions.find(n.name); it != parameters_.dimensions.end()) {
    if (auto value = it->second.constant()) return Checked{index_constant(*value, span)};
    auto [symbol, fresh] = dimension_vars_.emplace(n.name, 0);
    if (fresh) {
      symbol->second = hidden(n.name, {DType::i64, {}}, span, typed::VarKind::let);
      symbols_.emplace(symbol->second, it->second);
    }
    return Checked{variable(symbol->second, span)};
  }
  if (ConstInfo* c = program_.find_const(n.name, in_prelude_)) {
    auto value = program_.const_value(*c);
    if (!value || !link_math(value->expr, value->open)) return std::nullopt;
    value->expr.span = span;
    return value;
  }
  report_unknown(n.name, span);
  return std::nullopt;
}

// ---- operators

MaybeChecked FunctionChecker::check(const Unary& n, Span span, TypePtr) {
  auto* number = std::get_if<NumberLiteral>(&n.operand->node);
  if (n.op == ScalarOp::neg && number) {
    // A minus directly before a literal belongs to it, so that -128 is an i8.
    auto c = check(*number, span, nullptr);
    std::get<typed::Constant>(c->expr.node).literal.insert(0, "-");
    return c;
  }
  auto operand = expression(*n.operand);
  if (!operand) return std::nullopt;
  return apply(n.op, row(n.op).infix, list(std::move(*operand)), span);
}

MaybeChecked FunctionChecker::check(const Binary& n, Span span, TypePtr) {
  if (n.op == ScalarOp::and_ || n.op == ScalarOp::or_) return logic(n, span);
  auto left = expression(*n.left), right = expression(*n.right);
  if (!left || !right) return std::nullopt;
  if (n.op == ScalarOp::pow) return power(std::move(*left), std::move(*right), span, *n.right);
  bool floats = runtime::is_floating(left->dtype()) || runtime::is_floating(right->dtype());
  if (n.op == ScalarOp::mod && floats) {
    report(Diag::float_remainder, n.op_span)
        .with_label(fmt::format("between {} and {}", quoted(left->type()), quoted(right->type())))
        .hint("for floats write `x - floor(x / y) * y`");
    return std::nullopt;
  }
  return apply(n.op, row(n.op).infix, list(std::move(*left), std::move(*right)), span);
}

/// `a and b` is `if a { b } else { false }`, `a or b` is `if a { true } else { b }`; on tensors
/// both sides are evaluated, element by element.
MaybeChecked FunctionChecker::logic(const Binary& n, Span span) {
  auto left = expression(*n.left);
  branches_++;
  auto right = expression(*n.right);
  branches_--;
  if (!left || !right) return std::nullopt;
  const typed::Type boolean{DType::bool_, {}};
  if (left->type() != boolean || right->type() != boolean) {
    return apply(n.op, row(n.op).infix, list(std::move(*left), std::move(*right)), span);
  }
  bool is_or = n.op == ScalarOp::or_;
  typed::IfExpr made{boxed(std::move(left->expr)), boxed(constant(Scalar::boolean(is_or), span)),
                     boxed(std::move(right->expr))};
  if (!is_or) std::swap(made.then, made.otherwise);
  return Checked{{boolean, span, std::move(made)}};
}

MaybeChecked FunctionChecker::apply(ScalarOp op, std::string_view shown, std::vector<Checked> args,
                                    Span span) {
  bool selects = op == ScalarOp::select;  // its condition is a bool whatever the others are
  if (selects && !coerce(args[0], DType::bool_)) return std::nullopt;
  std::vector<Checked*> operands;
  bool all_open = true;
  for (size_t i = selects; i < args.size(); i++) {
    operands.push_back(&args[i]);
    all_open &= args[i].open;
  }
  auto common = operand_type(op, shown, operands, span);
  if (!common) return std::nullopt;
  bool stays_open = all_open && row(op).result == runtime::Result::same && !selects;
  if (!stays_open && !unify(operands, *common)) return std::nullopt;
  auto made = lift(shown, std::move(args), span, [&](std::vector<typed::Expr> scalars) {
    typed::Type type{runtime::result_type(op, *common), {}};
    return std::optional(typed::Expr{type, span, typed::Apply{op, std::move(scalars)}});
  });
  if (!made) return std::nullopt;
  made->open = stays_open;
  if (!stays_open && divides_by_zero(made->expr)) return std::nullopt;
  return made;
}

std::optional<DType> FunctionChecker::operand_type(ScalarOp op, std::string_view shown,
                                                   const std::vector<Checked*>& operands,
                                                   Span span) {
  auto common = common_type(operands);
  if (!common) {
    refuse_operands(op, shown, operands, span);
    return std::nullopt;
  }
  bool all_open = std::ranges::all_of(operands, [](const Checked* c) { return c->open; });
  if (all_open && row(op).operands == runtime::Operands::floating) common = DType::f32;
  if (runtime::accepts(op, *common)) return common;
  refuse_operand(op, shown, {*common, operands[0]->type().shape}, span);
  return std::nullopt;
}

void FunctionChecker::refuse_operands(ScalarOp op, std::string_view shown,
                                      const std::vector<Checked*>& args, Span span) {
  if (args.size() == 1) return refuse_operand(op, shown, args[0]->type(), span);
  size_t other = 1;  // the first that does not go with the first
  while (other + 1 < args.size() && common_type({args[0], args[other]})) other++;
  Checked &a = *args[0], &b = *args[other];
  auto& d = report(Diag::operand_types, span, shown, a.type().text(), b.type().text());
  for (Checked* c : {&a, &b}) d.note(c->expr.span, fmt::format("this is {}", quoted(c->type())));
  if (a.type().aggregate || b.type().aggregate) return;
  if (a.dtype() == DType::bool_ || b.dtype() == DType::bool_) {
    if (row(op).operands == runtime::Operands::boolean) d.hint("compare, as in `x != 0`");
    if (row(op).operands == runtime::Operands::num)
      d.hint("convert the bool: `i32(b)` is 1 where `b` is true");
    return;
  }
  DType to = runtime::is_floating(a.dtype()) ? a.dtype() : b.dtype();
  const Checked& integer = runtime::is_integer(a.dtype()) ? a : b;
  d.hint(fmt::format("convert one of them, as in `{}(x)`", runtime::row(to).text),
         args.size() == 2 ? conversion(integer, to) : std::vector<lexer::Edit>{});
}

void FunctionChecker::refuse_operand(ScalarOp op, std::string_view shown, const typed::Type& type,
                                     Span span) {
  auto& d = report(Diag::operand_type, span, shown, type.text());
  if (type.aggregate) return;
  switch (row(op).operands) {
    case runtime::Operands::boolean: d.hint("it takes bools: compare, as in `x != 0`"); break;
    case runtime::Operands::floating: d.hint("it takes floats: convert, as in `f32(n)`"); break;
    case runtime::Operands::integer: d.hint("it takes integers: convert, as in `i32(x)`"); break;
    default: d.hint("convert the bool: `i32(b)` is 1 where `b` is true"); break;
  }
}

MaybeChecked FunctionChecker::check(const ast::Convert& n, Span span, TypePtr) {
  return convert(n.to, *n.operand, span);
}

/// `f32(x)`, or `T(x)` where that is an element type.
MaybeChecked FunctionChecker::convert(DType to, const Expr& tree, Span span) {
  auto operand = expression(tree);
  if (!operand) return std::nullopt;
  if (operand->type().aggregate) {
    report(Diag::operand_type, span, runtime::row(to).text, operand->type().text());
    return std::nullopt;
  }
  // A literal takes the conversion's type; only where it cannot is there something to convert.
  bool is_float = runtime::is_floating(operand->dtype());
  bool direct = to != DType::bool_ && (runtime::is_floating(to) || !is_float) && can_take(operand->expr, to);
  DType as = direct ? to : is_float ? DType::f64 : DType::i64;
  const bool is_literal = operand->open;
  if (!settle(*operand, as)) return std::nullopt;
  if (is_literal) operand->expr.span = span;  // the conversion is part of it
  if (operand->dtype() == to) return operand;
  auto name = runtime::row(to).text;
  return lift(name, list(std::move(*operand)), span, [&](std::vector<typed::Expr> scalars) {
    typed::Convert made{boxed(std::move(scalars[0]))};
    return std::optional(typed::Expr{{to, {}}, span, std::move(made)});
  });
}

MaybeChecked FunctionChecker::check(const IfExpr& n, Span span, TypePtr want) {
  auto c = condition(*n.condition);
  branches_++;
  auto then = expression(*n.then, want), otherwise = expression(*n.otherwise, want);
  branches_--;
  if (!c || !then || !otherwise) return std::nullopt;
  const bool whole = then->type().aggregate || otherwise->type().aggregate;
  auto common = whole ? std::nullopt : common_type({&*then, &*otherwise});
  const bool fits = (whole || common) && same_shape(then->type(), otherwise->type());
  if (!fits) {
    Diag diag = common ? Diag::extent_mismatch : Diag::type_mismatch;
    auto& d =
        common ? report(diag, n.otherwise->span,
                        fmt::format("expected {}, found {}", quoted(then->type()),
                                    quoted(otherwise->type())))
               : report(diag, n.otherwise->span, quoted(then->type()), quoted(otherwise->type()));
    if (common) show_unequal(d, side(then->expr, "first"), side(otherwise->expr, "second"));
    d.note(n.then->span, "both branches have one type; the first is this");
    return std::nullopt;
  }
  bool open = then->open && otherwise->open;
  if (common && !open && !unify({&*then, &*otherwise}, *common)) return std::nullopt;
  typed::Type type = then->type();
  if (common) type.dtype = *common;
  typed::IfExpr made{boxed(std::move(*c)), boxed(std::move(then->expr)),
                     boxed(std::move(otherwise->expr))};
  return Checked{{std::move(type), span, std::move(made)}, open};
}

}  // namespace tenon::ast
