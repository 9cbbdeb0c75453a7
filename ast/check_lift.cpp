// Element by element: operators, scalar built-ins and scalar functions on tensors become Compute
// nodes, with NumPy's broadcasting. `@` and `**` are made here too.
#include <algorithm>
#include <cmath>

#include "ast/checker.h"

namespace tenon::ast {

namespace {

bool is_one(const Extent& e) { return e == Extent(1); }

/// Whether using the expression twice costs nothing and means the same.
bool is_leaf(const typed::Expr& e) {
  return std::holds_alternative<typed::Constant>(e.node) || std::holds_alternative<typed::Variable>(e.node);
}

}  // namespace

typed::Expr FunctionChecker::element(typed::VarId tensor, const std::vector<typed::VarId>& indices,
                                     const std::vector<Extent>& shape, Span span) {
  const typed::Type& type = type_of(tensor);
  typed::Element made{std::make_unique<typed::Expr>(variable(tensor, span)), {}, nullptr};
  size_t skipped = shape.size() - type.shape.size();
  for (size_t axis = 0; axis < type.shape.size(); axis++) {
    bool repeats = is_one(type.shape[axis]) && !is_one(shape[axis + skipped]);
    made.subscripts.push_back(repeats ? index_constant(0, span) : variable(indices[axis + skipped], span));
  }
  return {{type.dtype, {}}, span, std::move(made)};
}

std::optional<std::vector<Extent>> FunctionChecker::broadcast(const std::vector<Checked>& args,
                                                              std::string_view shown, Span span) {
  std::vector<Extent> shape;
  const Checked* widest = nullptr;
  for (const Checked& a : args) {
    const auto& s = a.type().shape;
    if (s.size() > shape.size()) shape.insert(shape.begin(), s.size() - shape.size(), Extent(1));
    for (size_t i = 0; i < s.size(); i++) {
      Extent& extent = shape[shape.size() - s.size() + i];
      if (is_one(extent)) {
        extent = s[i];
      } else if (!is_one(s[i]) && !agree(extent, s[i])) {
        auto& d = report(Diag::shapes_differ, span, widest->type().text(), a.type().text());
        d.with_label(fmt::format("by `{}`", shown));
        d.note(widest->expr.span, fmt::format("`{}`: axis {} from the right is {}", widest->type().text(), s.size() - i, extent.text()));
        d.note(a.expr.span, fmt::format("`{}`: axis {} from the right is {}", a.type().text(), s.size() - i, s[i].text()));
        d.hint("extents must be equal or 1, counted from the last axis");
        return std::nullopt;
      } else if (extent.constant() == std::nullopt && s[i].constant()) {
        extent = s[i];
      }
    }
    if (!widest || s.size() > widest->type().shape.size()) widest = &a;
  }
  return shape;
}

MaybeChecked FunctionChecker::lift(std::string_view shown, std::vector<Checked> args, Span span, const Body& body) {
  bool tensors = false;
  for (const Checked& a : args) tensors |= !a.type().is_scalar();
  std::vector<typed::Expr> scalars;
  if (!tensors) {
    for (Checked& a : args) scalars.push_back(std::move(a.expr));
    auto e = body(std::move(scalars));
    if (!e) return std::nullopt;
    return Checked{std::move(*e)};
  }
  auto shape = broadcast(args, shown, span);
  if (!shape) return std::nullopt;
  typed::Compute made;
  std::vector<typed::VarId> indices;
  for (const Extent& extent : *shape) {
    indices.push_back(hidden("", {DType::i64, {}}, span, typed::VarKind::index));
    made.indices.push_back({indices.back(), 0, extent});
  }
  for (Checked& a : args) {
    Span at = a.expr.span;
    if (std::holds_alternative<typed::Constant>(a.expr.node)) {
      scalars.push_back(std::move(a.expr));
      continue;
    }
    typed::VarId var;
    if (auto* v = std::get_if<typed::Variable>(&a.expr.node)) {
      var = v->var;
    } else {
      var = hidden("", a.type(), at, typed::VarKind::operand);
      made.operands.push_back({var, std::make_unique<typed::Expr>(std::move(a.expr))});
    }
    scalars.push_back(type_of(var).is_scalar() ? variable(var, at) : element(var, indices, *shape, at));
  }
  auto e = body(std::move(scalars));
  if (!e) return std::nullopt;
  typed::Type type{e->type.dtype, *shape};
  made.body = std::make_unique<typed::Expr>(std::move(*e));
  return Checked{{std::move(type), span, std::move(made)}};
}

MaybeChecked FunctionChecker::filled(const typed::Type& type, typed::Expr value, Span span) {
  if (type.is_scalar()) return Checked{std::move(value)};
  typed::Compute made;
  if (!is_leaf(value)) {
    typed::VarId var = hidden("", value.type, value.span, typed::VarKind::operand);
    made.operands.push_back({var, std::make_unique<typed::Expr>(std::move(value))});
    value = variable(var, span);
  }
  for (const Extent& extent : type.shape)
    made.indices.push_back({hidden("", {DType::i64, {}}, span, typed::VarKind::index), 0, extent});
  made.body = std::make_unique<typed::Expr>(std::move(value));
  return Checked{{type, span, std::move(made)}};
}

// ---- `**`

/// A constant whole exponent is repeated multiplication, left to right; from kChain factors on by
/// squaring, which keeps the expression small.
MaybeChecked FunctionChecker::power(Checked base, Checked exponent, Span span, const Expr& exponent_tree) {
  constexpr int64_t kChain = 64;
  std::optional<Scalar> value;
  if (exponent.type().is_scalar()) {
    value = evaluate(exponent.expr);
    if (value && runtime::is_floating(value->type) && (value->f != std::floor(value->f) || std::fabs(value->f) > 1e9)) value.reset();
  }
  if (!value || value->type == DType::bool_) {
    if (generic_ && runtime::is_integer(exponent.dtype()) && exponent.type().is_scalar()) return base;  // a dimension
    std::vector<Checked> args;
    args.push_back(std::move(base));
    args.push_back(std::move(exponent));
    return apply(ScalarOp::pow, "**", std::move(args), span);
  }
  int64_t n = runtime::is_floating(value->type) ? static_cast<int64_t>(value->f) : value->i;
  if (runtime::is_floating(value->type) && !runtime::is_floating(base.dtype())) {
    if (!base.open) return coerce(exponent, base.dtype()) ? std::nullopt : std::nullopt;
    base.expr.type.dtype = DType::f32;
  }
  if (!runtime::accepts(ScalarOp::mul, base.dtype())) {
    report(Diag::operand_type, base.expr.span, "**", base.type().text());
    return std::nullopt;
  }
  if (n < 0 && !runtime::is_floating(base.dtype())) {
    report(Diag::negative_power, exponent_tree.span).hint("convert the base to a float, as in `f32(n) ** -1`");
    return std::nullopt;
  }
  if (n < -(int64_t{1} << 40) || n > (int64_t{1} << 40)) {
    report(Diag::literal_range, exponent_tree.span, n, "an exponent");
    return std::nullopt;
  }
  int64_t count = n < 0 ? -n : n;
  if (base.open && (count > kChain || !is_leaf(base.expr)) && !settle_default(base)) return std::nullopt;
  bool open = base.open;
  DType type = base.dtype();
  auto number = [&](int64_t v) {
    typed::Expr e = constant(runtime::is_floating(type) ? Scalar::floating(type, static_cast<double>(v)) : Scalar::integer(type, v), span);
    if (open) std::get<typed::Constant>(e.node).literal = std::to_string(v);
    return e;
  };
  auto op = [&](ScalarOp o, typed::Expr a, typed::Expr b) {
    typed::Apply made{o, {}};
    made.args.push_back(std::move(a));
    made.args.push_back(std::move(b));
    return typed::Expr{{type, {}}, span, std::move(made)};
  };
  std::vector<Checked> args;
  args.push_back(std::move(base));
  auto made = named_once(std::move(args), span, [&](std::vector<typed::Expr> x) -> std::optional<typed::Expr> {
    typed::Expr product = number(1);
    if (count > 0 && count <= kChain) {
      product = clone(x[0]);
      for (int64_t i = 1; i < count; i++) product = op(ScalarOp::mul, std::move(product), clone(x[0]));
    } else if (count > kChain) {
      // Each square is named, so that the expression grows with the logarithm of the exponent.
      std::vector<typed::Operand> squares;
      typed::Expr square = clone(x[0]);
      bool first = true;
      for (int64_t bits = count; bits; bits >>= 1) {
        if (bits & 1) product = first ? clone(square) : op(ScalarOp::mul, std::move(product), clone(square)), first = false;
        if (bits == 1) break;
        typed::VarId var = hidden("", {type, {}}, span, typed::VarKind::operand);
        squares.push_back({var, std::make_unique<typed::Expr>(op(ScalarOp::mul, clone(square), clone(square)))});
        square = variable(var, span);
      }
      typed::Compute named{std::move(squares), {}, std::make_unique<typed::Expr>(std::move(product))};
      product = {{type, {}}, span, std::move(named)};
    }
    return n < 0 ? op(ScalarOp::div, number(1), std::move(product)) : std::move(product);
  });
  if (made) made->open = open;
  return made;
}

/// Like lift(), but a scalar argument that is not a leaf is named, so that the body may use it often.
MaybeChecked FunctionChecker::named_once(std::vector<Checked> args, Span span, const Body& body) {
  bool plain = true;
  for (const Checked& a : args) plain &= a.type().is_scalar() && (is_leaf(a.expr) || a.open);
  for (const Checked& a : args) if (!a.type().is_scalar()) return lift("**", std::move(args), span, body);
  if (plain) return lift("**", std::move(args), span, body);
  typed::Compute made;
  std::vector<typed::Expr> scalars;
  for (Checked& a : args) {
    typed::VarId var = hidden("", a.type(), a.expr.span, typed::VarKind::operand);
    made.operands.push_back({var, std::make_unique<typed::Expr>(std::move(a.expr))});
    scalars.push_back(variable(var, span));
  }
  auto e = body(std::move(scalars));
  if (!e) return std::nullopt;
  typed::Type type = e->type;
  made.body = std::make_unique<typed::Expr>(std::move(*e));
  return Checked{{std::move(type), span, std::move(made)}};
}

// ---- `@`

/// NumPy's matmul: the last two axes are matrices, the ones before broadcast; a vector on the left is
/// a row, on the right a column, and the axis it lacks is left out of the result.
MaybeChecked FunctionChecker::check(const Matmul& n, Span span, TypePtr) {
  auto left = settled(*n.left), right = settled(*n.right);
  if (!left || !right) return std::nullopt;
  std::vector<Checked> sides;
  sides.push_back({std::move(*left)});
  sides.push_back({std::move(*right)});
  auto refuse = [&] {
    report(Diag::matmul_shapes, span, sides[0].type().text(), sides[1].type().text())
        .note(sides[0].expr.span, fmt::format("this is `{}`", sides[0].type().text()))
        .note(sides[1].expr.span, fmt::format("this is `{}`", sides[1].type().text()))
        .hint("the last extent on the left must be the last but one on the right");
    return std::nullopt;
  };
  auto common = common_type({&sides[0], &sides[1]});
  const auto a = sides[0].type().shape, b = sides[1].type().shape;
  if (!common || *common == DType::bool_ || a.empty() || b.empty()) return refuse();
  const Extent& inner = b.size() == 1 ? b[0] : b[b.size() - 2];
  if (!agree(a.back(), inner)) return refuse();
  if (!unify({&sides[0], &sides[1]}, *common)) return std::nullopt;

  typed::Compute made;
  typed::VarId vars[2];
  for (int s = 0; s < 2; s++) {
    vars[s] = hidden("", sides[s].type(), sides[s].expr.span, typed::VarKind::operand);
    made.operands.push_back({vars[s], std::make_unique<typed::Expr>(std::move(sides[s].expr))});
  }
  std::vector<typed::VarId> indices;
  typed::Type type{*common, {}};
  auto add_index = [&](const Extent& extent) {
    indices.push_back(hidden("", {DType::i64, {}}, span, typed::VarKind::index));
    made.indices.push_back({indices.back(), 0, extent});
    type.shape.push_back(extent);
  };
  size_t batch_a = a.size() > 2 ? a.size() - 2 : 0, batch_b = b.size() > 2 ? b.size() - 2 : 0;
  size_t batch = std::max(batch_a, batch_b);
  for (size_t i = 0; i < batch; i++) {
    Extent x = i + batch_a >= batch ? a[i + batch_a - batch] : Extent(1), y = i + batch_b >= batch ? b[i + batch_b - batch] : Extent(1);
    if (!is_one(x) && !is_one(y) && !agree(x, y)) return refuse();
    add_index(is_one(x) ? y : x);
  }
  bool has_row = a.size() > 1, has_column = b.size() > 1;
  if (has_row) add_index(a[a.size() - 2]);
  if (has_column) add_index(b.back());
  typed::VarId k = hidden("", {DType::i64, {}}, span, typed::VarKind::index);

  auto side = [&](int s, const std::vector<Extent>& shape, size_t batches, std::vector<typed::VarId> matrix) {
    typed::Element e{std::make_unique<typed::Expr>(variable(vars[s], span)), {}, nullptr};
    for (size_t i = 0; i < batches; i++)
      e.subscripts.push_back(is_one(shape[i]) ? index_constant(0, span) : variable(indices[batch - batches + i], span));
    for (typed::VarId v : matrix) e.subscripts.push_back(variable(v, span));
    return typed::Expr{{*common, {}}, span, std::move(e)};
  };
  typed::Apply product{ScalarOp::mul, {}};
  product.args.push_back(side(0, a, batch_a, has_row ? std::vector{indices[batch], k} : std::vector{k}));
  product.args.push_back(side(1, b, batch_b, has_column ? std::vector{k, indices.back()} : std::vector{k}));
  typed::Reduce sum{Reduction::sum, {}, nullptr};
  sum.indices.push_back({k, std::make_unique<typed::Expr>(index_constant(0, span)),
                         std::make_unique<typed::Expr>(index_constant(inner.constant().value_or(0), span))});
  sum.body = std::make_unique<typed::Expr>(typed::Expr{{*common, {}}, span, std::move(product)});
  made.body = std::make_unique<typed::Expr>(typed::Expr{{*common, {}}, span, std::move(sum)});
  return Checked{{std::move(type), span, std::move(made)}};
}

}  // namespace tenon::ast
