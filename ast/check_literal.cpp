// Literals take the type that their context asks for: another operand, an annotation, a parameter.
// Until that is known an expression of literals is "open"; settling it gives every constant in it
// the type, read from the digits as written (so that 0.1 is the nearest f32 or the nearest f64).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "ast/function_checker.h"
#include "runtime/decimal.h"

namespace tenon::ast {

std::optional<Scalar> read_literal(std::string_view text, DType to) {
  bool negative = text.starts_with('-');
  std::string_view digits = text.substr(negative);
  bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  if (runtime::is_floating(to) && !hex) {
    // Rounded once, to the type itself; what is too small, to zero.
    Scalar value = runtime::read_decimal(to, std::string(text));
    return std::isinf(value.f) ? std::nullopt : std::optional(value);
  }
  if (hex) digits.remove_prefix(2);
  uint64_t magnitude = 0;
  auto read =
      std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, hex ? 16 : 10);
  if (read.ec != std::errc()) return std::nullopt;
  if (runtime::is_floating(to))
    return read_literal(fmt::format("{}{}", negative ? "-" : "", magnitude), to);
  uint64_t limit = static_cast<uint64_t>(runtime::highest(to)) + negative;
  if (magnitude > limit) return std::nullopt;
  return Scalar::integer(to, static_cast<int64_t>(negative ? 0 - magnitude : magnitude));
}

// ---- open expressions

/// What power() leaves of `literals ** n`.
static bool is_whole_power(const typed::Call& call) {
  return call.math == "pow" && !runtime::is_floating(call.args[1].type.dtype);
}

/// What takes the same type as an open expression. Conditions, exponents and the bounds and operands of other
/// types inside are closed already.
static std::vector<typed::Expr*> open_parts(typed::Expr& e) {
  std::vector<typed::Expr*> parts;
  const auto add = [&](std::vector<typed::Expr>& all) {
    for (typed::Expr& each : all) parts.push_back(&each);
  };
  if (auto* a = std::get_if<typed::Apply>(&e.node)) add(a->args);
  if (auto* p = std::get_if<typed::Pack>(&e.node)) add(p->elements);
  if (auto* c = std::get_if<typed::Call>(&e.node)) {
    add(c->args);
    if (is_whole_power(*c)) parts.pop_back();
  }
  if (auto* i = std::get_if<typed::IfExpr>(&e.node)) parts = {i->then.get(), i->otherwise.get()};
  if (auto* r = std::get_if<typed::Reduce>(&e.node)) parts = {r->body.get()};
  if (auto* c = std::get_if<typed::Compute>(&e.node)) {
    for (typed::Operand& operand : c->operands) parts.push_back(operand.value.get());
    parts.push_back(c->body.get());
  }
  if (auto* x = std::get_if<typed::Element>(&e.node)) {
    parts.push_back(x->tensor.get());
    if (x->otherwise) parts.push_back(x->otherwise.get());
  }
  return parts;
}

bool FunctionChecker::can_take(typed::Expr& e, DType to) {
  auto* a = std::get_if<typed::Apply>(&e.node);
  return (!a || runtime::accepts(a->op, to)) &&
         std::ranges::all_of(open_parts(e), [&](typed::Expr* part) { return can_take(*part, to); });
}

bool FunctionChecker::retype(typed::Constant& c, Span span, DType to) {
  if (c.literal.empty()) return true;
  if (auto value = read_literal(c.literal, to)) {
    c = {*value, {}};
    return true;
  }
  auto& d = report(Diag::literal_range, span, c.literal, runtime::row(to).text);
  if (runtime::is_integer(to)) {
    d.hint(fmt::format("{} holds {} to {}", quoted(runtime::row(to).text), runtime::lowest(to),
                       runtime::highest(to)));
  }
  return false;
}

/// Gives every literal below an open expression its type.
bool FunctionChecker::retype(typed::Expr& e, DType to) {
  e.type.dtype = to;
  if (auto* c = std::get_if<typed::Constant>(&e.node)) return retype(*c, e.span, to);
  if (auto* a = std::get_if<typed::Apply>(&e.node); a && !runtime::accepts(a->op, to)) {
    const runtime::ScalarOpRow& op = row(a->op);
    const std::string_view shown = op.infix.empty() ? op.text : op.infix, type = runtime::row(to).text;
    report(Diag::operand_type, e.span, shown, type)
        .hint(fmt::format("it takes integers: convert what it gives, as in `{}(n)`", type));
    return false;
  }
  if (auto* c = std::get_if<typed::Compute>(&e.node)) {
    for (typed::Operand& operand : c->operands) type_of(operand.var).dtype = to;
  }
  for (typed::Expr* part : open_parts(e)) {
    if (!retype(*part, to)) return false;
  }
  if (auto* c = std::get_if<typed::Call>(&e.node)) {
    return is_whole_power(*c) ? expand_power(e) : find_callee(e);
  }
  if (std::holds_alternative<typed::Reduce>(e.node)) e = rounded_once(std::move(e));
  return true;
}

// [snippet settle]
bool FunctionChecker::settle(Checked& c, DType to) {
  if (!c.open) return true;
  c.open = false;
  return retype(c.expr, to) && !has_division_by_zero(c.expr);
}
// [end]

bool FunctionChecker::settle_default(Checked& c) {
  return settle(c, c.dtype());
}

// ---- one type for several, or a wanted one

// [snippet common-type]
std::optional<DType> FunctionChecker::common_type(const std::vector<Checked*>& all) {
  std::optional<DType> closed, open;
  for (const Checked* c : all) {
    if (c->type().aggregate) return std::nullopt;
    DType t = c->dtype();
    std::optional<DType>& common = c->open ? open : closed;
    if (!common || *common == t)
      common = t;
    else if (c->open)
      common = DType::f32;  // 1 beside 2.0
    else if (runtime::is_integer(t) && runtime::is_integer(*common))
      common = std::max(t, *common);
    else
      return std::nullopt;
  }
  if (!closed || !open) return closed ? closed : open;
  bool takes_literals = runtime::is_floating(*closed) ||
                        (runtime::is_integer(*closed) && !runtime::is_floating(*open));
  return takes_literals ? closed : std::nullopt;
}
// [end]

bool FunctionChecker::unify(const std::vector<Checked*>& all, DType common) {
  for (Checked* c : all) {
    if (!coerce(*c, common)) return false;
  }
  return true;
}

bool FunctionChecker::coerce(Checked& c, DType to, const Origin& origin) {
  if (c.type().aggregate) return refuse_type(c, {to, {}}, origin);
  bool floating = runtime::is_floating(c.dtype());
  if (c.open && to != DType::bool_ && (runtime::is_floating(to) || !floating)) return settle(c, to);
  if (!c.open && c.dtype() == to) return true;
  if (!c.open && runtime::is_integer(to) && runtime::is_integer(c.dtype()) && c.dtype() < to) {
    widen(c, to);
    return true;
  }
  std::string found = !c.open    ? quoted(c.type())
                      : floating ? "a float literal"
                                 : "an integer literal";
  Span at = c.expr.span;
  typed::Type wanted{to, c.type().shape};
  if (auto* literal = std::get_if<typed::Pack>(&c.expr.node); literal && c.open && floating) {
    auto culprit = std::ranges::find_if(
        literal->elements, [](auto& e) { return runtime::is_floating(e.type.dtype); });
    if (culprit != literal->elements.end()) at = culprit->span, wanted.shape.clear();
  }
  auto& d = report(Diag::type_mismatch, at, quoted(wanted), found);
  if (!origin.text.empty()) d.note(origin.span, origin.text);
  if (to == DType::bool_)
    d.hint("compare it, as in `x != 0`");
  else if (c.dtype() == DType::bool_)
    d.hint(fmt::format("convert it: `{}(b)` is 1 where `b` is true", runtime::row(to).text));
  else
    d.hint(fmt::format("convert it: `{}(x)`", runtime::row(to).text), conversion(c, to));
  return false;
}

/// Certain is the one from integers to floats, which loses nothing that a program can mean; not where
/// the float is one of the types that a parameter stands for.
std::vector<lexer::Edit> FunctionChecker::conversion(const Checked& c, DType to) const {
  const bool certain = !c.open && runtime::is_integer(c.dtype()) && runtime::is_floating(to) &&
                       parameters_.types.empty() && !(c.expr.span == target_);
  if (!certain) return {};
  const Span at = c.expr.span;
  return {{{at.file, at.begin, at.begin}, fmt::format("{}(", runtime::row(to).text)},
          {{at.file, at.end, at.end}, ")"}};
}

bool FunctionChecker::refuse_type(const Checked& c, const typed::Type& to, const Origin& origin) {
  auto& d = report(Diag::type_mismatch, c.expr.span, quoted(to), quoted(c.type()));
  if (!origin.text.empty()) d.note(origin.span, origin.text);
  return false;
}

bool FunctionChecker::coerce(Checked& c, const typed::Type& to, const Origin& origin) {
  if (c.type().aggregate || to.aggregate) {
    return same_parts(c.type(), to) || refuse_type(c, to, origin);
  }
  if (same_shape(c.type(), to)) return coerce(c, to.dtype, origin);
  bool same_rank = c.type().shape.size() == to.shape.size();
  auto& d = same_rank ? report(Diag::extent_mismatch, c.expr.span,
                               fmt::format("expected {}, found {}", quoted(to), quoted(c.type())))
                      : report(Diag::type_mismatch, c.expr.span, quoted(to), quoted(c.type()));
  show_unequal(d, {"expected", to}, side(c.expr, "found"));
  if (!origin.text.empty()) d.note(origin.span, origin.text);
  return false;
}

void FunctionChecker::widen(Checked& c, DType to) {
  Span span = c.expr.span;
  std::vector<Checked> args;
  args.push_back(std::move(c));
  c = *lift("widening", std::move(args), span, [&](std::vector<typed::Expr> s) {
    return std::optional(typed::Expr{{to, {}}, span, typed::Convert{boxed(std::move(s[0]))}});
  });
}

// ---- tensor literals

/// The scalars of a tensor literal in row-major order. `shape` is what its first rows have.
bool FunctionChecker::flatten(const Expr& e, const std::vector<int64_t>& shape, size_t axis,
                              std::vector<const Expr*>& leaves) {
  auto* row = std::get_if<TensorLiteral>(&e.node);
  if (!row && axis == shape.size()) {
    leaves.push_back(&e);
    return true;
  }
  if (!row || axis == shape.size()) {
    report(Diag::ragged_literal, e.span, row ? "a scalar" : "a row", row ? "a row" : "a scalar");
    return false;
  }
  if (int64_t count = static_cast<int64_t>(row->elements.size()); count != shape[axis]) {
    report(Diag::ragged_literal, e.span, fmt::format("{} long", shape[axis]),
           fmt::format("{} long", count));
    return false;
  }
  for (const ExprPtr& element : row->elements) {
    if (!flatten(*element, shape, axis + 1, leaves)) return false;
  }
  return true;
}

/// Says which element is the first that does not go with those before it.
void FunctionChecker::refuse_elements(const std::vector<Checked*>& all) {
  Checked* decides = all[0];
  for (Checked* c : all) {
    if (!common_type({decides, c})) {
      report(Diag::type_mismatch, c->expr.span, quoted(decides->type()), quoted(c->type()))
          .note(decides->expr.span,
                "the elements of a tensor have one type; this one's is another");
      return;
    }
    if (decides->open && (!c->open || runtime::is_floating(c->dtype()))) decides = c;
  }
}

MaybeChecked FunctionChecker::check(const TensorLiteral& n, Span span, TypePtr) {
  std::vector<int64_t> shape;
  for (auto* row = &n; row; row = std::get_if<TensorLiteral>(&row->elements[0]->node)) {
    shape.push_back(static_cast<int64_t>(row->elements.size()));
  }
  if (!rank_fits(shape.size(), span)) return std::nullopt;
  std::vector<const Expr*> leaves;
  for (const ExprPtr& element : n.elements) {
    if (!flatten(*element, shape, 1, leaves)) return std::nullopt;
  }
  std::vector<Checked> elements;
  for (const Expr* leaf : leaves) {
    auto c = expression(*leaf);
    if (!c) return std::nullopt;
    if (!c->type().is_scalar()) {
      report(Diag::type_mismatch, leaf->span, "a scalar", quoted(c->type()))
          .hint("the elements of a tensor literal are scalars");
      return std::nullopt;
    }
    elements.push_back(std::move(*c));
  }
  std::vector<Checked*> all;
  bool open = true;
  for (Checked& c : elements) {
    all.push_back(&c);
    open &= c.open;
  }
  auto agreed = common_type(all);
  if (!agreed) {
    refuse_elements(all);
    return std::nullopt;
  }
  if (!open && !unify(all, *agreed)) return std::nullopt;
  typed::Type type{*agreed, {}};
  for (int64_t extent : shape) type.shape.push_back(Extent(extent));
  typed::Pack made;
  for (Checked& c : elements) made.elements.push_back(std::move(c.expr));
  return Checked{{std::move(type), span, std::move(made)}, open};
}

}  // namespace tenon::ast
