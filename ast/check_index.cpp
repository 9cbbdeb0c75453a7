// Index definitions and reductions: extents inferred from where an index stands alone as a
// subscript, two-place errors where two such places disagree, and subscripts proved outside.
#include "ast/checker.h"

namespace tenon::ast {

// ---- extents and types

std::optional<Extent> FunctionChecker::extent(const Expr& e) {
  if (auto* name = std::get_if<NameRef>(&e.node); name && !find(name->name))
    if (auto it = dimensions_.find(name->name); it != dimensions_.end()) return it->second;
  if (auto* b = std::get_if<Binary>(&e.node)) {
    using Arithmetic = std::optional<Extent> (*)(const Extent&, const Extent&);
    Arithmetic op = b->op == ScalarOp::add ? Extent::add : b->op == ScalarOp::sub ? Extent::sub
                    : b->op == ScalarOp::mul ? Extent::mul : b->op == ScalarOp::div ? Extent::div
                    : b->op == ScalarOp::mod ? Extent::mod : nullptr;
    if (op) {
      auto left = extent(*b->left), right = extent(*b->right);
      if (!left || !right) return std::nullopt;
      auto result = op(*left, *right);
      if (!result) report(Diag::extent_arithmetic, e.span);
      return result;
    }
  }
  if (auto* n = std::get_if<NameRef>(&e.node); n && find(n->name)) {
    auto id = find(n->name);
    if (!wrong_.count(*id)) report(Diag::extent_constant, e.span).note(out_.vars[*id].span, "this is known only when the program runs");
    return std::nullopt;
  }
  auto c = expression(e);
  if (!c || !coerce(*c, DType::i64)) return std::nullopt;
  auto value = evaluate(c->expr);
  if (!value) {
    report(Diag::extent_constant, e.span);
    return std::nullopt;
  }
  return Extent(value->i);
}

std::optional<typed::Type> FunctionChecker::type(const TypeExpr& t) {
  typed::Type out{t.dtype, {}};
  bool known = true;
  runtime::Shape shape;
  for (const ExprPtr& e : t.extents) {
    auto x = extent(*e);
    if (!x) return std::nullopt;
    if (auto value = x->constant()) {
      if (*value < 0) {
        report(Diag::negative_extent, e->span, x->text(), *value);
        return std::nullopt;
      }
      shape.push_back(*value);
    } else {
      known = false;
    }
    out.shape.push_back(*x);
  }
  if (known && !runtime::byte_count(t.dtype, shape)) {
    report(Diag::too_large, t.span, out.text());
    return std::nullopt;
  }
  return out;
}

bool FunctionChecker::agree(const Extent& a, const Extent& b) const {
  if (a == b) return true;
  auto difference = Extent::sub(a, b);
  return generic_ && difference && !difference->constant();
}

bool FunctionChecker::same_shape(const typed::Type& a, const typed::Type& b) const {
  if (a.shape.size() != b.shape.size()) return false;
  for (size_t i = 0; i < a.shape.size(); i++)
    if (!agree(a.shape[i], b.shape[i])) return false;
  return true;
}

// ---- inference

namespace {

/// A place where an index stands alone as a subscript: axis `axis` of `base`.
struct Use {
  const Expr* base;
  size_t axis;
  Span span;
};

/// Collects the uses of one index below an expression, not looking where the name is bound anew.
struct UseFinder {
  std::string_view name;
  std::vector<Use>& uses;

  void in(const ExprPtr& e) { if (e) in(*e); }
  void in(const std::vector<ExprPtr>& es) { for (auto& e : es) in(e); }
  void in(const Expr& e) {
    if (auto* n = std::get_if<Unary>(&e.node)) in(n->operand);
    else if (auto* n = std::get_if<Binary>(&e.node)) in(n->left), in(n->right);
    else if (auto* n = std::get_if<Matmul>(&e.node)) in(n->left), in(n->right);
    else if (auto* n = std::get_if<Call>(&e.node)) in(n->args);
    else if (auto* n = std::get_if<ast::Convert>(&e.node)) in(n->operand);
    else if (auto* n = std::get_if<IfExpr>(&e.node)) in(n->condition), in(n->then), in(n->otherwise);
    else if (auto* n = std::get_if<TensorLiteral>(&e.node)) in(n->elements);
    else if (auto* n = std::get_if<Subscript>(&e.node)) subscript(*n);
    else if (auto* n = std::get_if<Reduce>(&e.node)) reduce(*n);
  }
  void subscript(const Subscript& s) {
    in(s.base);
    for (size_t axis = 0; axis < s.subscripts.size(); axis++) {
      auto* alone = std::get_if<NameRef>(&s.subscripts[axis]->node);
      if (alone && alone->name == name && !s.otherwise)
        uses.push_back({s.base.get(), axis, s.subscripts[axis]->span});
      else
        in(s.subscripts[axis]);
    }
    in(s.otherwise);
  }
  void reduce(const Reduce& r) {
    bool rebound = false;
    for (auto& i : r.indices) {
      in(i.lo), in(i.hi);
      rebound |= i.name.text == name;
    }
    if (!rebound) in(r.body);
  }
};

}  // namespace

std::optional<Extent> FunctionChecker::infer(const IndexBinding& index, const Expr& body) {
  std::vector<Use> uses;
  UseFinder{index.name.text, uses}.in(body);
  std::optional<Extent> found;
  std::string found_text;
  Span found_span;
  for (const Use& use : uses) {
    // The base's type, without its messages: they come when the body is checked.
    Diagnostics silent, *loud = std::exchange(diagnostics_, &silent);
    probe_fuel_--;
    auto base = expression(*use.base);
    diagnostics_ = loud;
    if (!base || use.axis >= base->type().shape.size()) continue;
    const Extent& extent = base->type().shape[use.axis];
    auto* name = std::get_if<NameRef>(&use.base->node);
    std::string text = fmt::format("axis {} of {}`{}`", use.axis + 1, name ? "`" + name->name + "`, a " : "a ", base->type().text());
    if (!found) {
      found = extent;
      found_text = text;
      found_span = use.span;
    } else if (!agree(*found, extent)) {
      report(Diag::extent_mismatch, use.span,
             fmt::format("index `{}` has extent {} here, but {} elsewhere", index.name.text, extent.text(), found->text()))
          .with_label(text)
          .note(found_span, found_text);
      return std::nullopt;
    }
  }
  if (!found) {
    bool poisoned = false;  // a base that is itself wrong has its own message
    for (const Use& use : uses)
      if (auto* name = std::get_if<NameRef>(&use.base->node)) {
        auto id = find(name->name);
        poisoned |= !id || wrong_.count(*id);
      }
    if (poisoned) {
      for (const Use& use : uses) expression(*use.base);
      return std::nullopt;
    }
    report(Diag::extent_unknown, index.name.span, index.name.text)
        .with_label("it stands nowhere alone as a subscript")
        .hint(fmt::format("give it: `{}: N`", index.name.text));
  }
  return found;
}

bool FunctionChecker::bind(const std::vector<IndexBinding>& indices, const Expr& body,
                           std::vector<typed::VarId>& vars) {
  bool fine = true;
  for (const IndexBinding& i : indices) {
    if (scopes_.back().names.count(i.name.text)) {
      report(Diag::duplicate_index, i.name.span, i.name.text);
      fine = false;
    }
    vars.push_back(hidden(i.name.text, {DType::i64, {}}, i.name.span, typed::VarKind::index));
    scopes_.back().names[i.name.text] = vars.back();
  }
  for (size_t n = 0; n < indices.size() && fine; n++) {
    if (indices[n].hi) continue;
    auto found = infer(indices[n], body);
    if (!found) fine = false;
    else bounds_[vars[n]] = {Extent(0), *found};
  }
  return fine;
}

MaybeChecked FunctionChecker::index_definition(const std::vector<IndexBinding>& indices, const Expr& body,
                                               Span span, std::optional<DType> want) {
  // Given extents are checked outside the definition, where the indices are not in scope.
  std::vector<std::optional<Bound>> given(indices.size());
  bool fine = true;
  for (size_t n = 0; n < indices.size(); n++) {
    const IndexBinding& i = indices[n];
    if (!i.hi) continue;
    auto lo = i.lo ? extent(*i.lo) : Extent(0), hi = extent(*i.hi);
    if (!lo || !hi) {
      fine = false;
      continue;
    }
    if (!i.lo && hi->constant() && *hi->constant() < 0) {
      report(Diag::negative_extent, i.hi->span, hi->text(), *hi->constant());
      fine = false;
    }
    given[n] = Bound{*lo, *hi};
  }
  scopes_.push_back({});
  std::vector<typed::VarId> vars;
  fine = bind(indices, body, vars) && fine;
  typed::Compute made;
  typed::Type type;
  for (size_t n = 0; n < indices.size() && fine; n++) {
    if (given[n]) bounds_[vars[n]] = *given[n];
    const Bound& b = bounds_[vars[n]];
    auto extent = Extent::sub(b.hi, b.lo);
    if (!extent) {
      report(Diag::extent_arithmetic, indices[n].name.span);
      fine = false;
      break;
    }
    if (extent->constant() && *extent->constant() < 0) extent = Extent(0);
    made.indices.push_back({vars[n], b.lo.constant().value_or(0), *extent});
    type.shape.push_back(*extent);
  }
  MaybeChecked value;
  if (fine) {
    definitions_++;
    typed::Type wanted{want.value_or(DType::f32), {}};
    value = expression(body, want ? &wanted : nullptr);
    definitions_--;
  }
  scopes_.pop_back();
  if (!value) return std::nullopt;
  if (!value->type().is_scalar()) {
    report(Diag::type_mismatch, body.span, "a scalar", value->type().text())
        .hint("the right side of an index definition is one element: subscript the tensor");
    return std::nullopt;
  }
  if (want ? !coerce(*value, *want) : !settle_default(*value)) return std::nullopt;
  type.dtype = value->dtype();
  bool known = true;
  for (const Extent& e : type.shape) known &= e.constant().has_value();
  if (known && !runtime::byte_count(type.dtype, type.concrete_shape())) {
    report(Diag::too_large, span, type.text());
    return std::nullopt;
  }
  made.body = std::make_unique<typed::Expr>(std::move(value->expr));
  return Checked{{std::move(type), span, std::move(made)}};
}

// ---- reductions

MaybeChecked FunctionChecker::check(const Reduce& n, Span span, TypePtr want) {
  std::string_view name = text(n.reduction);
  bool gives_index = n.reduction == Reduction::argmax || n.reduction == Reduction::argmin;
  bool of_bools = n.reduction == Reduction::any || n.reduction == Reduction::all;
  if (gives_index && n.indices.size() != 1) {
    report(Diag::one_index, n.op_span, name, n.indices.size());
    return std::nullopt;
  }
  std::vector<std::optional<typed::Expr>> los, his;
  bool fine = true;
  for (const IndexBinding& i : n.indices) {
    los.push_back(i.lo ? expression_of(*i.lo, {DType::i64, {}}) : index_constant(0, i.name.span));
    his.push_back(i.hi ? expression_of(*i.hi, {DType::i64, {}}) : index_constant(0, i.name.span));
    fine &= los.back() && his.back();
  }
  scopes_.push_back({});
  std::vector<typed::VarId> vars;
  fine = bind(n.indices, *n.body, vars) && fine;
  MaybeChecked body;
  if (fine) {
    for (size_t k = 0; k < n.indices.size(); k++) {
      if (!n.indices[k].hi) continue;
      auto lo = evaluate(*los[k]), hi = evaluate(*his[k]);
      if (lo && hi) bounds_[vars[k]] = {Extent(lo->i), Extent(hi->i)};
    }
    definitions_++;
    body = expression(*n.body, gives_index || of_bools ? nullptr : want);
    definitions_--;
  }
  scopes_.pop_back();
  if (!body) return std::nullopt;
  if (!body->type().is_scalar() || (of_bools ? body->dtype() != DType::bool_ : body->dtype() == DType::bool_)) {
    auto& d = report(Diag::reduction_type, n.body->span, name, body->type().text());
    if (body->type().is_scalar() && body->dtype() == DType::bool_)
      d.hint(fmt::format("count with `{}[…] if … {{ 1 }} else {{ 0 }}`", name));
    return std::nullopt;
  }
  if (gives_index && !settle_default(*body)) return std::nullopt;
  typed::Reduce made;
  made.reduction = n.reduction;
  for (size_t k = 0; k < n.indices.size(); k++) {
    if (!n.indices[k].hi) {
      const Extent& hi = bounds_[vars[k]].hi;
      *his[k] = hi.constant() ? index_constant(*hi.constant(), n.indices[k].name.span) : *std::move(his[k]);
    }
    made.indices.push_back({vars[k], std::make_unique<typed::Expr>(std::move(*los[k])),
                            std::make_unique<typed::Expr>(std::move(*his[k]))});
  }
  typed::Type type{gives_index ? DType::i64 : body->dtype(), {}};
  bool open = body->open;
  made.body = std::make_unique<typed::Expr>(std::move(body->expr));
  return Checked{{std::move(type), span, std::move(made)}, open};
}

// ---- subscripts

MaybeChecked FunctionChecker::check(const Subscript& n, Span span, TypePtr) {
  auto base = settled(*n.base);
  if (!base) return std::nullopt;
  typed::Element made;
  if (!subscripts(n.subscripts, base->type, *n.base, span, !n.otherwise, made.subscripts)) return std::nullopt;
  typed::Type scalar{base->type.dtype, {}};
  if (n.otherwise) {
    branches_++;
    auto otherwise = expression_of(*n.otherwise, scalar);
    branches_--;
    if (!otherwise) return std::nullopt;
    made.otherwise = std::make_unique<typed::Expr>(std::move(*otherwise));
  }
  made.tensor = std::make_unique<typed::Expr>(std::move(*base));
  return Checked{{scalar, span, std::move(made)}};
}

bool FunctionChecker::subscripts(const std::vector<ExprPtr>& trees, const typed::Type& base, const Expr& base_tree,
                                 Span span, bool checked, std::vector<typed::Expr>& out) {
  auto* name = std::get_if<NameRef>(&base_tree.node);
  std::string shown = name ? name->name : base.text();
  if (base.is_scalar()) {
    report(Diag::not_a_tensor, base_tree.span, base.text());
    return false;
  }
  if (trees.size() != base.shape.size()) {
    auto& d = report(Diag::subscript_count, span, shown, base.shape.size(), trees.size());
    if (name) if (auto id = find(name->name)) d.note(out_.vars[*id].span, fmt::format("`{}` is `{}`", shown, base.text()));
    if (trees.size() < base.shape.size()) d.hint(fmt::format("a row is `{}[i, :]`", shown));
    return false;
  }
  bool fine = true;
  for (size_t i = 0; i < trees.size(); i++) {
    auto s = expression_of(*trees[i], {DType::i64, {}});
    if (!s) {
      fine = false;
      continue;
    }
    if (checked && branches_ == 0) check_range(*s, base.shape[i], *trees[i]);
    out.push_back(std::move(*s));
  }
  return fine;
}

namespace {

/// constant + sum of coefficient * variable, the form in which the ranges of indices decide exactly.
struct Affine {
  Extent constant;
  std::map<typed::VarId, int64_t> coefficients;
};

std::optional<Affine> affine(const typed::Expr& e) {
  if (auto* c = std::get_if<typed::Constant>(&e.node))
    return c->literal.empty() ? std::optional(Affine{Extent(c->value.i), {}}) : std::nullopt;
  if (auto* v = std::get_if<typed::Variable>(&e.node)) return Affine{Extent(0), {{v->var, 1}}};
  if (auto* c = std::get_if<typed::Convert>(&e.node))
    return runtime::is_integer(c->operand->type.dtype) && evaluate(e) ? std::optional(Affine{Extent(evaluate(e)->i), {}}) : std::nullopt;
  auto* a = std::get_if<typed::Apply>(&e.node);
  if (!a || a->args.empty()) return std::nullopt;
  auto left = affine(a->args[0]), right = a->args.size() > 1 ? affine(a->args[1]) : std::optional(Affine{});
  if (!left || !right) return std::nullopt;
  int64_t scale = 1;
  switch (a->op) {
    case ScalarOp::add: break;
    case ScalarOp::sub: scale = -1; break;
    case ScalarOp::neg: std::swap(left, right), scale = -1; break;
    case ScalarOp::mul:
      if (!left->coefficients.empty()) std::swap(left, right);
      if (!left->coefficients.empty() || !left->constant.constant()) return std::nullopt;
      scale = *left->constant.constant();
      left = Affine{};
      break;
    default: return std::nullopt;
  }
  auto scaled = Extent::mul(right->constant, Extent(scale));
  auto sum = scaled ? Extent::add(left->constant, *scaled) : std::nullopt;
  if (!sum) return std::nullopt;
  left->constant = *sum;
  for (auto& [var, coefficient] : right->coefficients) {
    int64_t term, &total = left->coefficients[var];
    if (__builtin_mul_overflow(coefficient, scale, &term) || __builtin_add_overflow(total, term, &total)) return std::nullopt;
  }
  return left;
}

}  // namespace

void FunctionChecker::check_range(const typed::Expr& subscript, const Extent& extent, const Expr& tree) {
  auto form = affine(subscript);
  if (!form) return;
  Extent lowest = form->constant, highest = form->constant;
  for (auto& [var, coefficient] : form->coefficients) {
    if (coefficient == 0) continue;
    auto it = bounds_.find(var);
    if (it == bounds_.end()) return;  // not an index, or of a range known only at run time
    auto last = Extent::sub(it->second.hi, Extent(1));
    if (!last) return;
    if (auto count = Extent::sub(it->second.hi, it->second.lo); count && count->constant() && *count->constant() <= 0)
      return;  // runs over nothing
    auto low = Extent::mul(coefficient > 0 ? it->second.lo : *last, Extent(coefficient));
    auto high = Extent::mul(coefficient > 0 ? *last : it->second.lo, Extent(coefficient));
    auto new_low = low ? Extent::add(lowest, *low) : std::nullopt, new_high = high ? Extent::add(highest, *high) : std::nullopt;
    if (!new_low || !new_high) return;
    lowest = *new_low, highest = *new_high;
  }
  auto beyond = Extent::sub(highest, extent);
  bool too_low = lowest.constant() && *lowest.constant() < 0;
  bool too_high = beyond && beyond->constant() && *beyond->constant() >= 0;
  if (!too_low && !too_high) return;
  auto& d = report(Diag::subscript_range, tree.span, lowest.text(), highest.text(), extent.text());
  for (auto& [var, coefficient] : form->coefficients)
    if (coefficient)
      d.note(out_.vars[var].span, fmt::format("`{}` runs from {} to {}", out_.vars[var].name, bounds_[var].lo.text(),
                                              Extent::sub(bounds_[var].hi, Extent(1)).value_or(Extent()).text()));
  d.hint("give a value for what lies outside, as in `x[i - 1 else 0.0]`, or a smaller range to the index");
}

}  // namespace tenon::ast
