// Expressions: names, operators, conversions, `if`, tensor literals.
#include "ast/checker.h"

namespace tenon::ast {

typed::Expr FunctionChecker::constant(Scalar value, Span span) {
  return {{value.type, {}}, span, typed::Constant{value, {}}};
}

typed::Expr FunctionChecker::variable(typed::VarId var, Span span) {
  return {type_of(var), span, typed::Variable{var}};
}

MaybeChecked FunctionChecker::expression(const Expr& e, TypePtr want) {
  if (probe_fuel_ <= 0 || diagnostics_->full()) return std::nullopt;
  return std::visit([&](auto& n) { return check(n, e.span, want); }, e.node);
}

std::optional<typed::Expr> FunctionChecker::expression_of(const Expr& e, const typed::Type& type) {
  auto c = expression(e, &type);
  if (!c || !coerce(*c, type)) return std::nullopt;
  return std::move(c->expr);
}

std::optional<typed::Expr> FunctionChecker::settled(const Expr& e, TypePtr want) {
  auto c = expression(e, want);
  if (!c || !settle_default(*c)) return std::nullopt;
  return std::move(c->expr);
}

MaybeChecked FunctionChecker::constant_expression(const Expr& e) {
  scopes_.assign(1, {});
  auto c = expression(e);
  if (!c) return std::nullopt;
  if (node_count(c->expr) > kMaxConstNodes) {
    report(Diag::nested_too_deeply, e.span, kMaxConstNodes);
    return std::nullopt;
  }
  if (!evaluate(c->expr)) {
    if (!constant_division(c->expr)) report(Diag::not_constant, e.span);
    return std::nullopt;
  }
  return c;
}

// ---- leaves

MaybeChecked FunctionChecker::check(const NumberLiteral& n, Span span, TypePtr) {
  // The type is still open; these are the defaults.
  Scalar none = n.is_float ? Scalar::floating(DType::f32, 0) : Scalar::integer(DType::i32, 0);
  return Checked{{{none.type, {}}, span, typed::Constant{none, n.text}}, true};
}

MaybeChecked FunctionChecker::check(const BoolLiteral& n, Span span, TypePtr) {
  return Checked{constant(Scalar::boolean(n.value), span)};
}

MaybeChecked FunctionChecker::check(const StringLiteral&, Span span, TypePtr) {
  report(Diag::misplaced_string, span);
  return std::nullopt;
}

MaybeChecked FunctionChecker::check(const ErrorExpr&, Span, TypePtr) { return std::nullopt; }

MaybeChecked FunctionChecker::check(const NameRef& n, Span span, TypePtr) {
  if (auto id = find(n.name)) {
    if (wrong_.count(*id)) return std::nullopt;
    return Checked{variable(*id, span)};
  }
  if (auto it = dimensions_.find(n.name); it != dimensions_.end()) {
    if (auto value = it->second.constant()) return Checked{index_constant(*value, span)};
    return Checked{variable(hidden(n.name, {DType::i64, {}}, span, typed::VarKind::let), span)};
  }
  if (ConstInfo* c = program_.find_const(n.name, in_prelude_)) {
    auto value = program_.const_value(*c, in_prelude_);
    if (value) value->expr.span = span;
    return value;
  }
  auto& d = report(Diag::unknown_name, span, n.name);
  if (program_.find_function(n.name, in_prelude_)) d.hint(fmt::format("`{}` is a function: call it, `{}(…)`", n.name, n.name));
  return std::nullopt;
}

// ---- operators

MaybeChecked FunctionChecker::check(const Unary& n, Span span, TypePtr want) {
  if (n.op == ScalarOp::neg)
    if (auto* number = std::get_if<NumberLiteral>(&n.operand->node)) {
      // A minus directly before a literal belongs to it, so that -128 is an i8.
      auto c = check(*number, span, want);
      std::get<typed::Constant>(c->expr.node).literal.insert(0, "-");
      return c;
    }
  auto operand = expression(*n.operand, want);
  if (!operand) return std::nullopt;
  std::vector<Checked> args;
  args.push_back(std::move(*operand));
  return apply(n.op, row(n.op).infix, std::move(args), span);
}

MaybeChecked FunctionChecker::check(const Binary& n, Span span, TypePtr want) {
  if (n.op == ScalarOp::and_ || n.op == ScalarOp::or_) return logic(n, span);
  bool compares = row(n.op).result == runtime::Result::boolean;
  auto left = expression(*n.left, compares ? nullptr : want);
  auto right = expression(*n.right, compares || n.op == ScalarOp::pow ? nullptr : want);
  if (!left || !right) return std::nullopt;
  if (n.op == ScalarOp::pow) return power(std::move(*left), std::move(*right), span, *n.right);
  if (n.op == ScalarOp::mod && (runtime::is_floating(left->dtype()) || runtime::is_floating(right->dtype()))) {
    report(Diag::float_remainder, n.op_span)
        .with_label(fmt::format("between `{}` and `{}`", left->type().text(), right->type().text()))
        .hint("for floats write `x - floor(x / y) * y`");
    return std::nullopt;
  }
  std::vector<Checked> args;
  args.push_back(std::move(*left));
  args.push_back(std::move(*right));
  return apply(n.op, row(n.op).infix, std::move(args), span);
}

/// `a and b` is `if a { b } else { false }`, `a or b` is `if a { true } else { b }`; on tensors both
/// sides are evaluated, element by element.
MaybeChecked FunctionChecker::logic(const Binary& n, Span span) {
  auto left = expression(*n.left);
  branches_++;
  auto right = expression(*n.right);
  branches_--;
  if (!left || !right) return std::nullopt;
  bool scalars = left->type().is_scalar() && right->type().is_scalar();
  if (!scalars || left->dtype() != DType::bool_ || right->dtype() != DType::bool_) {
    std::vector<Checked> args;
    args.push_back(std::move(*left));
    args.push_back(std::move(*right));
    return apply(n.op, row(n.op).infix, std::move(args), span);
  }
  typed::IfExpr made;
  made.condition = std::make_unique<typed::Expr>(std::move(left->expr));
  auto decided = std::make_unique<typed::Expr>(constant(Scalar::boolean(n.op == ScalarOp::or_), span));
  auto other = std::make_unique<typed::Expr>(std::move(right->expr));
  made.then = n.op == ScalarOp::or_ ? std::move(decided) : std::move(other);
  made.otherwise = n.op == ScalarOp::or_ ? std::move(other) : std::move(decided);
  return Checked{{{DType::bool_, {}}, span, std::move(made)}};
}

MaybeChecked FunctionChecker::apply(ScalarOp op, std::string_view shown, std::vector<Checked> args, Span span) {
  // The condition of `select` is a bool whatever the others are.
  bool selects = op == ScalarOp::select;
  if (selects && args[0].dtype() != DType::bool_) {
    report(Diag::operand_type, args[0].expr.span, shown, args[0].type().text()).hint("its first argument is a bool");
    return std::nullopt;
  }
  std::vector<Checked*> unified;
  for (size_t i = selects; i < args.size(); i++) unified.push_back(&args[i]);
  auto common = common_type(unified);
  if (!common) {
    auto& d = report(Diag::operand_types, span, shown, unified[0]->type().text(), unified.back()->type().text());
    for (Checked* c : unified) d.note(c->expr.span, fmt::format("this is `{}`", c->type().text()));
    const Checked* number = unified[0]->open ? unified.back() : unified[0];
    if (runtime::is_floating(unified[0]->dtype()) != runtime::is_floating(unified.back()->dtype()) &&
        number->dtype() != DType::bool_)
      d.hint("convert one of them, as in `f32(n)`");
    return std::nullopt;
  }
  bool all_open = true;
  for (Checked* c : unified) all_open &= c->open;
  if (all_open && row(op).operands == runtime::Operands::floating) common = DType::f32;
  if (!runtime::accepts(op, *common)) {
    auto& d = report(Diag::operand_type, span, shown, typed::Type{*common, unified[0]->type().shape}.text());
    if (*common == DType::bool_ && row(op).operands == runtime::Operands::num)
      d.hint("convert it: `i32(b)` is 1 where `b` is true");
    if (row(op).operands == runtime::Operands::boolean) d.hint("it takes bools");
    if (row(op).operands == runtime::Operands::floating) d.hint("it takes floats: convert, as in `f32(n)`");
    return std::nullopt;
  }
  bool stays_open = all_open && row(op).result == runtime::Result::same && !selects;
  if (!stays_open && !unify(unified, *common)) return std::nullopt;
  DType result = runtime::result_type(op, *common);
  auto made = lift(shown, std::move(args), span, [&](std::vector<typed::Expr> scalars) -> std::optional<typed::Expr> {
    return typed::Expr{{result, {}}, span, typed::Apply{op, std::move(scalars)}};
  });
  if (!made) return made;
  made->open = stays_open;
  if (!stays_open && constant_division(made->expr)) return std::nullopt;
  return made;
}

MaybeChecked FunctionChecker::check(const ast::Convert& n, Span span, TypePtr) {
  auto operand = expression(*n.operand);
  if (!operand) return std::nullopt;
  if (operand->open) {
    // A literal takes the conversion's type; a float literal made an integer is truncated from f64.
    bool direct = n.to != DType::bool_ && (runtime::is_floating(n.to) || !runtime::is_floating(operand->dtype()));
    DType type = direct ? n.to : runtime::is_floating(operand->dtype()) ? DType::f64 : DType::i64;
    if (!settle(*operand, type)) return std::nullopt;
  }
  if (operand->dtype() == n.to) return operand;
  std::vector<Checked> args;
  args.push_back(std::move(*operand));
  return lift(runtime::row(n.to).text, std::move(args), span, [&](std::vector<typed::Expr> scalars) -> std::optional<typed::Expr> {
    return typed::Expr{{n.to, {}}, span, typed::Convert{std::make_unique<typed::Expr>(std::move(scalars[0]))}};
  });
}

MaybeChecked FunctionChecker::check(const IfExpr& n, Span span, TypePtr want) {
  auto c = condition(*n.condition);
  branches_++;
  auto then = expression(*n.then, want), otherwise = expression(*n.otherwise, want);
  branches_--;
  if (!c || !then || !otherwise) return std::nullopt;
  auto common = common_type({&*then, &*otherwise});
  if (!common || !same_shape(then->type(), otherwise->type())) {
    report(Diag::type_mismatch, n.otherwise->span, then->type().text(), otherwise->type().text())
        .note(n.then->span, "both branches must have one type; the first is this");
    return std::nullopt;
  }
  bool open = then->open && otherwise->open;
  if (!open && !unify({&*then, &*otherwise}, *common)) return std::nullopt;
  typed::Type type{*common, then->type().shape};
  typed::IfExpr made{std::make_unique<typed::Expr>(std::move(*c)),
                     std::make_unique<typed::Expr>(std::move(then->expr)),
                     std::make_unique<typed::Expr>(std::move(otherwise->expr))};
  return Checked{{std::move(type), span, std::move(made)}, open};
}

namespace {

/// The scalars of a tensor literal in row-major order; `shape` is what its first rows have.
bool flatten(const TensorLiteral& literal, size_t level, std::vector<int64_t>& shape,
             std::vector<const Expr*>& leaves, Diagnostics& diagnostics, Span span) {
  if (level == shape.size()) shape.push_back(static_cast<int64_t>(literal.elements.size()));
  if (shape[level] != static_cast<int64_t>(literal.elements.size())) {
    diagnostics.report(Diag::ragged_literal, span, shape[level], literal.elements.size());
    return false;
  }
  for (const ExprPtr& e : literal.elements) {
    auto* row = std::get_if<TensorLiteral>(&e->node);
    bool rows = level + 1 < shape.size();
    if (!leaves.empty() || rows)
      if ((row != nullptr) != rows && !(row && leaves.empty() && level + 1 == shape.size())) {
        diagnostics.report(Diag::ragged_literal, e->span, rows ? "a row" : "a number", row ? "a row" : "a number");
        return false;
      }
    if (!row) leaves.push_back(e.get());
    else if (!flatten(*row, level + 1, shape, leaves, diagnostics, e->span)) return false;
  }
  return true;
}

}  // namespace

MaybeChecked FunctionChecker::check(const TensorLiteral& n, Span span, TypePtr want) {
  std::vector<int64_t> shape;
  std::vector<const Expr*> leaves;
  if (!flatten(n, 0, shape, leaves, *diagnostics_, span)) return std::nullopt;
  std::vector<Checked> elements;
  for (const Expr* leaf : leaves) {
    auto c = expression(*leaf);
    if (!c) return std::nullopt;
    if (!c->type().is_scalar()) {
      report(Diag::type_mismatch, leaf->span, "a scalar", c->type().text());
      return std::nullopt;
    }
    elements.push_back(std::move(*c));
  }
  typed::Type type;
  for (int64_t extent : shape) type.shape.push_back(Extent(extent));
  if (elements.empty()) {
    if (!want) {
      report(Diag::needs_context, span, "[]").hint("give it a type: `let t: f32[0] = [];`");
      return std::nullopt;
    }
    type.dtype = want->dtype;
  } else {
    std::vector<Checked*> all;
    for (Checked& c : elements) all.push_back(&c);
    auto common = common_type(all);
    if (!common) {
      Checked* odd = all[0];
      for (Checked* c : all) if (!common_type({all[0], c})) { odd = c; break; }
      report(Diag::type_mismatch, odd->expr.span, all[0]->type().text(), odd->type().text())
          .note(all[0]->expr.span, "the elements of a tensor have one type; the first is this");
      return std::nullopt;
    }
    bool open = true;
    for (Checked* c : all) open &= c->open;
    // Literals take the type that is wanted of the tensor.
    bool wanted = open && want && want->dtype != DType::bool_ &&
                  (runtime::is_floating(want->dtype) || !runtime::is_floating(*common));
    type.dtype = wanted ? want->dtype : *common;
    if (!unify(all, type.dtype)) return std::nullopt;
  }
  typed::Pack made;
  for (Checked& c : elements) made.elements.push_back(std::move(c.expr));
  return Checked{{std::move(type), span, std::move(made)}};
}

}  // namespace tenon::ast
