// `@` and `**`: operators that are more than one scalar operation.
#include <algorithm>
#include <cmath>

#include "ast/function_checker.h"

namespace tenon::ast {

// ---- `**`

namespace {

/// A constant whole exponent.
std::optional<int64_t> whole(std::optional<Scalar> value) {
  if (!value || value->type == DType::bool_) return std::nullopt;
  if (!runtime::is_floating(value->type)) return value->i;
  bool is_whole = value->f == std::floor(value->f) && std::fabs(value->f) < 0x1p63;
  return is_whole ? std::optional(static_cast<int64_t>(value->f)) : std::nullopt;
}

/// x to the n >= 1 by repeated multiplication: from left to right for small n, by squaring for
/// others, so that the product grows with the logarithm of n. `named` makes a square usable twice.
template <class T, class Times, class Named>
T product(const T& x, uint64_t n, const Times& times, const Named& named) {
  constexpr uint64_t kChain = 64;
  if (n <= kChain) {
    T result = times.copy(x);
    for (uint64_t i = 1; i < n; i++) result = times(std::move(result), times.copy(x));
    return result;
  }
  std::optional<T> result;
  T square = times.copy(x);
  for (;; n >>= 1) {
    if (n & 1) result = result ? times(std::move(*result), times.copy(square)) : times.copy(square);
    if (n == 1) return std::move(*result);
    square = named(times(times.copy(square), times.copy(square)));
  }
}

struct ScalarTimes {
  Scalar operator()(Scalar a, Scalar b) const {
    return runtime::eval(ScalarOp::mul, std::vector{a, b});
  }
  Scalar copy(Scalar a) const { return a; }
};

struct ExprTimes {
  Span span;

  typed::Expr operator()(typed::Expr a, typed::Expr b) const {
    typed::Type type = a.type;
    typed::Apply made{ScalarOp::mul, {}};
    made.args.push_back(std::move(a));
    made.args.push_back(std::move(b));
    return {type, span, std::move(made)};
  }
  typed::Expr copy(const typed::Expr& a) const { return clone(a); }
};

}  // namespace

MaybeChecked FunctionChecker::power(Checked base, Checked exponent, Span span,
                                    const Expr& exponent_tree) {
  bool scalar = exponent.type().is_scalar();
  auto n = scalar ? whole(known_value(exponent)) : std::nullopt;
  // A dimension in the exponent is a constant as soon as it is known.
  bool later = scalar && !n && runtime::is_integer(exponent.dtype()) && is_static(exponent.expr);
  if (runtime::is_floating(exponent.dtype()) && !runtime::is_floating(base.dtype())) {
    if (base.open)
      base.expr.type.dtype = DType::f32;
    else
      n.reset();
  }
  if (!n && !later) {
    return apply_math("pow", "**", list(std::move(base), std::move(exponent)), span);
  }
  if (!runtime::accepts(ScalarOp::mul, base.dtype())) {
    refuse_operand(ScalarOp::mul, "**", base.type(), base.expr.span);
    return std::nullopt;
  }
  if (later) {
    if (!settle_default(base)) return std::nullopt;
    return base;
  }
  if (base.open && base.type().is_scalar()) {
    // Whether -1 is fine is known when the base's type is.
    typed::Call made{nullptr, {}, "pow"};
    typed::Type type = base.type();
    made.args.push_back(std::move(base.expr));
    made.args.push_back(index_constant(*n, exponent_tree.span));
    return Checked{{type, span, std::move(made)}, true};
  }
  if (!settle_default(base)) return std::nullopt;
  if (base.type().is_scalar()) {
    auto e = repeated_product(std::move(base.expr), *n, span);
    if (!e) return std::nullopt;
    return Checked{std::move(*e)};
  }
  return lift("**", list(std::move(base)), span, [&](std::vector<typed::Expr> x) {
    return repeated_product(std::move(x[0]), *n, span);
  });
}

/// Closes `literals ** n`, for which power() left a call.
bool FunctionChecker::expand_power(typed::Expr& e) {
  auto& args = std::get<typed::Call>(e.node).args;
  int64_t n = std::get<typed::Constant>(args[1].node).value.i;
  typed::Expr base = std::move(args[0]);
  base.span = e.span;
  auto made = repeated_product(std::move(base), n, e.span);
  if (made) e = std::move(*made);
  return made.has_value();
}

std::optional<typed::Expr> FunctionChecker::repeated_product(typed::Expr base, int64_t exponent,
                                                             Span span) {
  DType type = base.type.dtype;
  if (exponent < 0 && !runtime::is_floating(type)) {
    report(Diag::negative_power, span).hint("raise a float, as in `2.0 ** -1` or `f32(n) ** -1`");
    return std::nullopt;
  }
  auto n = static_cast<uint64_t>(exponent);
  if (exponent < 0) n = 0 - n;
  if (n == 0) return number(type, 1, span);
  auto inverted = [&](typed::Expr e) {
    typed::Apply made{ScalarOp::div, {}};
    made.args.push_back(number(type, 1, span));
    made.args.push_back(std::move(e));
    return typed::Expr{{type, {}}, span, std::move(made)};
  };
  if (auto value = evaluate(base)) {
    typed::Expr e = constant(product(*value, n, ScalarTimes{}, [](Scalar s) { return s; }), span);
    return exponent < 0 ? inverted(std::move(e)) : std::move(e);
  }
  // What is used more than once gets a name, and with it is evaluated once.
  typed::Compute named;
  auto name = [&](typed::Expr e) {
    typed::VarId var = hidden_operand(e.type, span);
    named.operands.push_back({var, boxed(std::move(e))});
    return variable(var, span);
  };
  typed::Expr x = is_cheap(base) || n == 1 ? std::move(base) : name(std::move(base));
  typed::Expr e = n == 1 ? std::move(x) : product(x, n, ExprTimes{span}, name);
  if (exponent < 0) e = inverted(std::move(e));
  if (named.operands.empty()) return e;
  named.body = boxed(std::move(e));
  return typed::Expr{{type, {}}, span, std::move(named)};
}

// ---- `@`

/// NumPy's matmul: the last two axes are matrices, the ones before broadcast; a vector on the left
/// is a row, on the right a column, and the axis it lacks is left out of the result.
MaybeChecked FunctionChecker::check(const Matmul& n, Span span, TypePtr) {
  auto left = expression(*n.left), right = expression(*n.right);
  if (!left || !right) return std::nullopt;
  std::vector<Checked> sides = list(std::move(*left), std::move(*right));
  const std::vector<Extent> a = sides[0].type().shape, b = sides[1].type().shape;
  auto common = common_type({&sides[0], &sides[1]});
  bool fine = common && *common != DType::bool_ && !a.empty() && !b.empty();
  auto batch = fine ? matmul_batch(a, b) : std::nullopt;
  if (!batch) {
    refuse_product(sides[0], sides[1], common, span);
    return std::nullopt;
  }
  if (!settle(sides[0], *common) || !settle(sides[1], *common)) return std::nullopt;
  if (!unify({&sides[0], &sides[1]}, *common)) return std::nullopt;

  typed::Compute made;
  typed::Type type{*common, *batch};
  bool has_row = a.size() > 1, has_column = b.size() > 1;
  if (has_row) type.shape.push_back(a[a.size() - 2]);
  if (has_column) type.shape.push_back(b.back());
  std::vector<typed::VarId> indices;
  for (const Extent& extent : type.shape) {
    indices.push_back(hidden_index(span));
    made.indices.push_back({indices.back(), 0, extent});
  }
  typed::VarId k = hidden_index(span);

  auto factor = [&](Checked& side, std::vector<typed::VarId> matrix) {
    const std::vector<Extent> shape = side.type().shape;
    typed::VarId var = hidden_operand(side.type(), side.expr.span);
    made.operands.push_back({var, boxed(std::move(side.expr))});
    typed::Element e{boxed(variable(var, span)), {}, nullptr};
    size_t own = shape.size() - matrix.size(), skipped = batch->size() - own;
    for (size_t i = 0; i < own; i++) {
      bool repeats = is_one(shape[i]);
      e.subscripts.push_back(repeats ? index_constant(0, span)
                                     : variable(indices[skipped + i], span));
    }
    for (typed::VarId v : matrix) e.subscripts.push_back(variable(v, span));
    return typed::Expr{{*common, {}}, span, std::move(e)};
  };
  using Axes = std::vector<typed::VarId>;
  typed::Expr x = factor(sides[0], has_row ? Axes{indices[batch->size()], k} : Axes{k});
  typed::Expr y = factor(sides[1], has_column ? Axes{k, indices.back()} : Axes{k});
  typed::Reduce sum{Reduction::sum, {}, boxed(ExprTimes{span}(std::move(x), std::move(y)))};
  sum.indices.push_back({k, boxed(index_constant(0, span)),
                         boxed(index_constant(a.back().constant().value_or(0), span))});
  made.body = boxed(rounded_once({{*common, {}}, span, std::move(sum)}));
  return Checked{{std::move(type), span, std::move(made)}};
}

void FunctionChecker::refuse_product(const Checked& left, const Checked& right,
                                     std::optional<DType> common, Span span) {
  const auto &a = left.type().shape, &b = right.type().shape;
  auto& d = report(Diag::matmul_shapes, span, left.type().text(), right.type().text());
  if (!common || *common == DType::bool_ || a.empty() || b.empty()) {
    for (const Checked* s : {&left, &right}) {
      d.note(s->expr.span, fmt::format("this is {}", quoted(s->type())));
    }
    if (a.empty() || b.empty())
      d.hint("it multiplies tensors; scalars are multiplied by `*`");
    else if (!common)
      d.hint("their elements must have one type");
    return;
  }
  const Side x = side(left.expr, "left"), y = side(right.expr, "right");
  const size_t row = b.size() == 1 ? 0 : b.size() - 2;
  if (agree(a.back(), b[row])) {
    show_broadcast(d, x, y, 2);
    d.hint("the extents before the last two must be equal or 1");
    return;
  }
  show_axes(d, x, a.size() - 1, y, row, "");
  d.hint("the last extent on the left must be the last but one on the right");
}

/// The broadcast extents before the matrices, nothing if the shapes cannot be multiplied.
std::optional<std::vector<Extent>> FunctionChecker::matmul_batch(
    const std::vector<Extent>& a, const std::vector<Extent>& b) const {
  if (!agree(a.back(), b.size() == 1 ? b[0] : b[b.size() - 2])) return std::nullopt;
  size_t batch_a = a.size() > 2 ? a.size() - 2 : 0, batch_b = b.size() > 2 ? b.size() - 2 : 0;
  size_t batch = std::max(batch_a, batch_b);
  std::vector<Extent> extents;
  for (size_t i = 0; i < batch; i++) {
    Extent x = i + batch_a >= batch ? a[i + batch_a - batch] : Extent(1);
    Extent y = i + batch_b >= batch ? b[i + batch_b - batch] : Extent(1);
    if (!is_one(x) && !is_one(y) && !agree(x, y)) return std::nullopt;
    extents.push_back(is_one(x) ? y : x);
  }
  return extents;
}

}  // namespace tenon::ast
