// Literals take the type that their context asks for: another operand, an annotation, a parameter.
// Until that is known an expression of literals is "open"; settling it gives every constant in it the
// type, read from the digits as written (so that 0.1 is the nearest f32 or the nearest f64).
#include <charconv>
#include <cmath>

#include "ast/checker.h"

namespace tenon::ast {

namespace {

/// The digits as a number of type `to`; nothing if it does not fit.
std::optional<Scalar> read_literal(std::string_view text, DType to) {
  bool negative = text.starts_with('-');
  std::string_view digits = text.substr(negative);
  bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  if (runtime::is_floating(to) && !hex) {
    const char* end = text.data() + text.size();
    if (to == DType::f32) {
      float f = 0;
      auto r = std::from_chars(text.data(), end, f);
      if (r.ec == std::errc::result_out_of_range) {
        // Too small rounds to zero; too large does not fit.
        double d = 0;
        if (std::from_chars(text.data(), end, d).ec != std::errc() || std::fabs(d) > 1) return std::nullopt;
        f = static_cast<float>(d);
      }
      return Scalar::floating(to, f);
    }
    double d = 0;
    if (std::from_chars(text.data(), end, d).ec != std::errc()) return std::nullopt;
    return Scalar::floating(to, d);
  }
  if (hex) digits.remove_prefix(2);
  uint64_t magnitude = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, hex ? 16 : 10).ec != std::errc())
    return std::nullopt;
  if (runtime::is_floating(to)) {
    double d = static_cast<double>(magnitude);
    return Scalar::floating(to, negative ? -d : d);
  }
  uint64_t limit = static_cast<uint64_t>(runtime::highest(to)) + negative;
  if (magnitude > limit) return std::nullopt;
  return Scalar::integer(to, static_cast<int64_t>(negative ? 0 - magnitude : magnitude));
}

}  // namespace

bool FunctionChecker::retype(typed::Expr& e, DType to) {
  e.type.dtype = to;
  if (auto* c = std::get_if<typed::Constant>(&e.node)) {
    auto value = read_literal(c->literal, to);
    if (!value) {
      auto& d = report(Diag::literal_range, e.span, c->literal, runtime::row(to).text);
      if (runtime::is_integer(to))
        d.hint(fmt::format("`{}` holds {} to {}", runtime::row(to).text, runtime::lowest(to), runtime::highest(to)));
      return false;
    }
    *c = {*value, {}};
    return true;
  }
  if (auto* a = std::get_if<typed::Apply>(&e.node)) {
    for (typed::Expr& arg : a->args) if (!retype(arg, to)) return false;
    return true;
  }
  if (auto* i = std::get_if<typed::IfExpr>(&e.node)) return retype(*i->then, to) && retype(*i->otherwise, to);
  if (auto* r = std::get_if<typed::Reduce>(&e.node)) return retype(*r->body, to);
  return true;
}

bool FunctionChecker::settle(Checked& c, DType to) {
  if (!c.open) return true;
  c.open = false;
  return retype(c.expr, to) && !constant_division(c.expr);
}

bool FunctionChecker::settle_default(Checked& c) { return settle(c, c.dtype()); }

bool FunctionChecker::constant_division(const typed::Expr& e) {
  if (auto* i = std::get_if<typed::IfExpr>(&e.node)) {
    auto condition = evaluate(*i->condition);
    return condition && constant_division(condition->i ? *i->then : *i->otherwise);
  }
  auto* a = std::get_if<typed::Apply>(&e.node);
  if (!a) return false;
  for (const typed::Expr& arg : a->args) if (constant_division(arg)) return true;
  std::vector<Scalar> values;
  for (const typed::Expr& arg : a->args) {
    auto v = evaluate(arg);
    if (!v) return false;
    values.push_back(*v);
  }
  if (!runtime::divides_by_zero(a->op, values)) return false;
  report(Diag::constant_division, e.span);
  return true;
}

std::optional<DType> FunctionChecker::common_type(const std::vector<Checked*>& all) {
  std::optional<DType> typed, open;
  for (const Checked* c : all) {
    DType t = c->dtype();
    std::optional<DType>& common = c->open ? open : typed;
    if (!common) common = t;
    else if (*common == t) continue;
    else if (c->open) common = runtime::is_floating(t) ? t : *common;
    else if (runtime::is_integer(t) && runtime::is_integer(*common)) common = std::max(t, *common);
    else return std::nullopt;
  }
  if (!typed) return open;
  if (open && (*typed == DType::bool_ || (runtime::is_floating(*open) && !runtime::is_floating(*typed))))
    return std::nullopt;
  return typed;
}

bool FunctionChecker::unify(const std::vector<Checked*>& all, DType common) {
  for (Checked* c : all)
    if (!coerce(*c, common)) return false;
  return true;
}

bool FunctionChecker::coerce(Checked& c, DType to) {
  if (c.open) {
    bool fits = to != DType::bool_ && (runtime::is_floating(to) || !runtime::is_floating(c.dtype()));
    if (fits) return settle(c, to);
    report(Diag::type_mismatch, c.expr.span, runtime::row(to).text, runtime::is_floating(c.dtype()) ? "a float literal" : "an integer literal");
    return false;
  }
  if (c.dtype() == to) return true;
  if (runtime::is_integer(to) && runtime::is_integer(c.dtype()) && c.dtype() < to) {
    widen(c, to);
    return true;
  }
  auto& d = report(Diag::type_mismatch, c.expr.span, typed::Type{to, c.type().shape}.text(), c.type().text());
  if (to != DType::bool_ && c.dtype() != DType::bool_)
    d.hint(fmt::format("nothing but a smaller integer converts by itself: write `{}(…)`", runtime::row(to).text));
  return false;
}

bool FunctionChecker::coerce(Checked& c, const typed::Type& to) {
  if (c.type().shape.size() != to.shape.size() || !same_shape(c.type(), to)) {
    Diag diag = c.type().shape.size() == to.shape.size() ? Diag::extent_mismatch : Diag::type_mismatch;
    if (diag == Diag::type_mismatch) report(diag, c.expr.span, to.text(), c.type().text());
    else report(diag, c.expr.span, fmt::format("expected shape `{}`, found `{}`", to.text(), c.type().text()));
    return false;
  }
  return coerce(c, to.dtype);
}

void FunctionChecker::widen(Checked& c, DType to) {
  Span span = c.expr.span;
  std::vector<Checked> args;
  args.push_back(std::move(c));
  c = *lift("widening", std::move(args), span, [&](std::vector<typed::Expr> s) -> std::optional<typed::Expr> {
    return typed::Expr{{to, {}}, span, typed::Convert{std::make_unique<typed::Expr>(std::move(s[0]))}};
  });
}

// ---- constant expressions

std::optional<Scalar> evaluate(const typed::Expr& e) {
  if (auto* c = std::get_if<typed::Constant>(&e.node))
    return c->literal.empty() ? c->value : read_literal(c->literal, e.type.dtype);
  if (auto* c = std::get_if<typed::Convert>(&e.node)) {
    auto v = evaluate(*c->operand);
    return v ? std::optional(runtime::convert(e.type.dtype, *v)) : std::nullopt;
  }
  if (auto* i = std::get_if<typed::IfExpr>(&e.node)) {
    auto c = evaluate(*i->condition);
    return c ? evaluate(c->i ? *i->then : *i->otherwise) : std::nullopt;
  }
  auto* a = std::get_if<typed::Apply>(&e.node);
  if (!a) return std::nullopt;
  std::vector<Scalar> values;
  for (const typed::Expr& arg : a->args) {
    auto v = evaluate(arg);
    if (!v) return std::nullopt;
    // In an open expression integer literals stand beside float ones.
    values.push_back(runtime::is_floating(e.type.dtype) && !runtime::is_floating(v->type) && v->type != DType::bool_ &&
                             row(a->op).result == runtime::Result::same
                         ? runtime::convert(e.type.dtype, *v) : *v);
  }
  if (runtime::divides_by_zero(a->op, values)) return std::nullopt;
  return runtime::eval(a->op, values);
}

typed::Expr clone(const typed::Expr& e) {
  auto copy = [](const typed::ExprPtr& p) { return std::make_unique<typed::Expr>(clone(*p)); };
  typed::Expr out{e.type, e.span, typed::Constant{}};
  if (auto* c = std::get_if<typed::Constant>(&e.node)) out.node = *c;
  else if (auto* v = std::get_if<typed::Variable>(&e.node)) out.node = *v;
  else if (auto* c = std::get_if<typed::Convert>(&e.node)) out.node = typed::Convert{copy(c->operand)};
  else if (auto* x = std::get_if<typed::Element>(&e.node)) {
    typed::Element made{copy(x->tensor), {}, nullptr};
    for (const typed::Expr& s : x->subscripts) made.subscripts.push_back(clone(s));
    out.node = std::move(made);
  } else if (auto* i = std::get_if<typed::IfExpr>(&e.node))
    out.node = typed::IfExpr{copy(i->condition), copy(i->then), copy(i->otherwise)};
  else if (auto* a = std::get_if<typed::Apply>(&e.node)) {
    typed::Apply made{a->op, {}};
    for (const typed::Expr& arg : a->args) made.args.push_back(clone(arg));
    out.node = std::move(made);
  }
  return out;
}

size_t node_count(const typed::Expr& e) {
  size_t n = 1;
  if (auto* c = std::get_if<typed::Convert>(&e.node)) n += node_count(*c->operand);
  else if (auto* i = std::get_if<typed::IfExpr>(&e.node))
    n += node_count(*i->condition) + node_count(*i->then) + node_count(*i->otherwise);
  else if (auto* a = std::get_if<typed::Apply>(&e.node))
    for (const typed::Expr& arg : a->args) n += node_count(arg);
  return n;
}

}  // namespace tenon::ast
