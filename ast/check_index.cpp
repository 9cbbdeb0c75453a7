// Index definitions and reductions: extents inferred from where an index stands alone as a
// subscript, and two-place errors where two such places disagree.
#include "ast/checker.h"

namespace tenon::ast {

bool FunctionChecker::Bound::is_empty() const {
  auto count = Extent::sub(hi, lo);
  return count && count->constant() && *count->constant() <= 0;
}

// ---- inference

/// A place where an index stands alone as a subscript.
struct FunctionChecker::Use {
  const Expr* whole;
  const Subscript* subscript;
  size_t axis;

  const Expr& base() const { return *subscript->base; }
  Span span() const { return subscript->subscripts[axis]->span; }
};

/// Collects the uses of indices below an expression. A use counts for the index that its name means
/// there, and only if the base means the same outside: it names nothing that is bound in between.
struct FunctionChecker::UseFinder {
  std::map<std::string, std::vector<Use>, std::less<>> uses;  ///< keys: the names that are sought
  std::multiset<std::string, std::less<>> inner = {};         ///< names bound in between

  void in(const Expr& e) {
    if (auto* n = std::get_if<Subscript>(&e.node))
      subscript(e, *n);
    else if (auto* n = std::get_if<Reduce>(&e.node))
      reduce(*n);
    else
      for_each_child(e, [&](const Expr& child) { in(child); });
  }

 private:
  void subscript(const Expr& whole, const Subscript& s) {
    in(*s.base);
    for (size_t axis = 0; axis < s.subscripts.size(); axis++) {
      auto* alone = std::get_if<NameRef>(&s.subscripts[axis]->node);
      auto found = alone && !s.otherwise && !inner.contains(alone->name) ? uses.find(alone->name)
                                                                         : uses.end();
      if (found != uses.end() && !depends_on_inner(*s.base)) {
        found->second.push_back({&whole, &s, axis});
      } else {
        in(*s.subscripts[axis]);
      }
    }
    if (s.otherwise) in(*s.otherwise);
  }
  bool depends_on_inner(const Expr& e) const {
    if (inner.empty()) return false;
    if (auto* name = std::get_if<NameRef>(&e.node)) return inner.contains(name->name);
    bool depends = false;
    for_each_child(e, [&](const Expr& child) { depends |= depends_on_inner(child); });
    return depends;
  }
  void reduce(const Reduce& r) {
    for (auto& i : r.indices) {
      if (i.lo) in(*i.lo);
      if (i.hi) in(*i.hi);
    }
    for (auto& i : r.indices) inner.insert(i.name.text);
    in(*r.body);
    for (auto& i : r.indices) inner.erase(inner.find(i.name.text));
  }
};

/// The type of a tensor that is subscripted, without the messages: they come when the body is
/// checked. What the look leaves behind is taken away again.
const std::optional<typed::Type>& FunctionChecker::type_of_base(const Expr& base) {
  auto it = base_types_.find(&base);
  if (it != base_types_.end()) return it->second;
  Diagnostics silent, *loud = std::exchange(diagnostics_, &silent);
  size_t vars = out_.vars.size();
  auto checked = expression(base);
  diagnostics_ = loud;
  if (out_.vars.size() > vars) {
    auto first = static_cast<typed::VarId>(vars);
    out_.vars.resize(vars);
    bounds_.erase(bounds_.lower_bound(first), bounds_.end());
    symbols_.erase(symbols_.lower_bound(first), symbols_.end());
    std::erase_if(dimension_vars_, [&](auto& symbol) { return symbol.second >= first; });
  }
  auto type = checked ? std::optional(checked->type()) : std::nullopt;
  return base_types_.emplace(&base, std::move(type)).first->second;
}

std::optional<Extent> FunctionChecker::infer(const IndexBinding& index,
                                             const std::vector<Use>& uses) {
  std::optional<Extent> found;
  std::string found_where;
  Span found_span;
  for (const Use& use : uses) {
    const std::optional<typed::Type>& base = type_of_base(use.base());
    if (!base || use.subscript->subscripts.size() != base->shape.size()) continue;
    const Extent& extent = base->shape[use.axis];
    auto* name = std::get_if<NameRef>(&use.base().node);
    std::string where = fmt::format("axis {} of {}{}", use.axis + 1,
                                    name ? quoted(name->name) + ", " : "", quoted(*base));
    if (!found) {
      found = extent;
      found_where = where;
      found_span = use.span();
    } else if (!agree(*found, extent)) {
      report(Diag::extent_mismatch, use.span(),
             fmt::format("index {} has extent {} here, but {} elsewhere", quoted(index.name.text),
                         extent.text(), found->text()))
          .with_label(where)
          .note(found_span, found_where);
      return std::nullopt;
    }
  }
  if (!found) explain_no_extent(index, uses);
  return found;
}

void FunctionChecker::explain_no_extent(const IndexBinding& index, const std::vector<Use>& uses) {
  if (uses.empty()) {
    report(Diag::extent_unknown, index.name.span, index.name.text)
        .with_label("it stands nowhere alone as a subscript")
        .hint(fmt::format("give it: `{}: N`", index.name.text));
    return;
  }
  // Where it stands alone something else is wrong.
  for (const Use& use : uses) {
    auto base = settled(use.base());
    if (base) rank_matches(*use.subscript, base->type, use.whole->span);
  }
}

bool FunctionChecker::bind(const std::vector<IndexBinding>& indices, const Expr& body,
                           std::vector<typed::VarId>& vars) {
  auto& names = scopes_.back().names;
  UseFinder finder;
  bool fine = true;
  for (const IndexBinding& i : indices) {
    vars.push_back(hidden(i.name.text, {DType::i64, {}}, i.name.span, typed::VarKind::index));
    auto [it, fresh] = names.emplace(i.name.text, vars.back());
    if (!fresh) {
      report(Diag::duplicate_index, i.name.span, i.name.text)
          .note(var(it->second).span, "it is first bound here");
      fine = false;
    }
    if (!i.hi) finder.uses[i.name.text];
  }
  if (!fine) return false;
  if (!finder.uses.empty()) finder.in(body);
  for (size_t n = 0; n < indices.size(); n++) {
    if (indices[n].hi) continue;
    auto found = infer(indices[n], finder.uses[indices[n].name.text]);
    if (found) bounds_[vars[n]] = {Extent(0), *found};
    fine &= found.has_value();
  }
  return fine;
}

MaybeChecked FunctionChecker::body_under(const std::vector<typed::VarId>& vars, const Expr& body) {
  bool runs = true;
  for (typed::VarId v : vars) {
    auto bound = bounds_.find(v);
    runs &= bound == bounds_.end() || !bound->second.is_empty();
  }
  definitions_++;
  branches_ += !runs;
  auto value = expression(body);
  branches_ -= !runs;
  definitions_--;
  return value;
}

// ---- index definitions

/// The extents that are written, looked at where the indices are not yet in scope.
std::optional<std::vector<std::optional<FunctionChecker::Bound>>> FunctionChecker::given_bounds(
    const std::vector<IndexBinding>& indices) {
  std::vector<std::optional<Bound>> given(indices.size());
  bool fine = true;
  for (size_t n = 0; n < indices.size(); n++) {
    const IndexBinding& i = indices[n];
    if (!i.hi) continue;
    auto lo = i.lo ? extent(*i.lo) : Extent(0), hi = extent(*i.hi);
    fine &= lo && hi;
    if (!lo || !hi) continue;
    auto end = hi->constant();
    if (!i.lo && end && *end < 0) {
      report(Diag::negative_extent, i.hi->span, *end);
      fine = false;
    } else if (!Extent::sub(*hi, *lo)) {
      report(Diag::extent_arithmetic, join(i.lo->span, i.hi->span), "does not fit 64 bits");
      fine = false;
    }
    given[n] = Bound{*lo, *hi};
  }
  if (!fine) return std::nullopt;
  return given;
}

MaybeChecked FunctionChecker::index_definition(const Let& let, Span span,
                                               std::optional<DType> want) {
  if (!rank_fits(let.indices->size(), let.name.span)) return std::nullopt;
  auto given = given_bounds(*let.indices);
  if (!given) return std::nullopt;
  scopes_.push_back({});
  std::vector<typed::VarId> vars;
  MaybeChecked value;
  if (bind(*let.indices, *let.value, vars)) {
    for (size_t n = 0; n < vars.size(); n++) {
      if ((*given)[n]) bounds_[vars[n]] = *(*given)[n];
    }
    value = body_under(vars, *let.value);
  }
  scopes_.pop_back();
  if (!value) return std::nullopt;
  if (!value->type().is_scalar()) {
    report(Diag::type_mismatch, let.value->span, "a scalar", quoted(value->type()))
        .hint("the right side of an index definition is one element: subscript the tensor");
    return std::nullopt;
  }
  Origin origin;
  if (let.type) origin = {let.type->span, "the element type is given here"};
  if (want ? !coerce(*value, *want, origin) : !settle_default(*value)) return std::nullopt;

  typed::Compute made;
  typed::Type type{value->dtype(), {}};
  for (typed::VarId v : vars) {
    const Bound& b = bounds_.at(v);
    Extent extent = b.is_empty() ? Extent(0) : *Extent::sub(b.hi, b.lo);
    made.indices.push_back({v, b.lo.constant().value_or(0), extent});
    type.shape.push_back(extent);
  }
  if (!fits_memory(type, span)) return std::nullopt;
  made.body = boxed(std::move(value->expr));
  return Checked{{std::move(type), span, std::move(made)}};
}

// ---- reductions

namespace {

bool gives_index(Reduction r) {
  return r == Reduction::argmax || r == Reduction::argmin;
}
bool is_of_bools(Reduction r) {
  return r == Reduction::any || r == Reduction::all;
}

/// Makes an f32 of what a sum or product of a smaller type takes in. Multiplications on the way to
/// it, through branches and names too, are computed in f32; what else there is keeps its type, and
/// is converted.
void accumulate_in_f32(typed::Expr& e) {
  auto* apply = std::get_if<typed::Apply>(&e.node);
  auto* branches = std::get_if<typed::IfExpr>(&e.node);
  auto* named = std::get_if<typed::Compute>(&e.node);
  if (apply && apply->op == ScalarOp::mul) {
    for (typed::Expr& factor : apply->args) accumulate_in_f32(factor);
  } else if (branches) {
    accumulate_in_f32(*branches->then);
    accumulate_in_f32(*branches->otherwise);
  } else if (named) {
    accumulate_in_f32(*named->body);
  } else {
    e = {e.type, e.span, typed::Convert{boxed(std::move(e))}};
  }
  e.type.dtype = DType::f32;
}

}  // namespace

typed::Expr rounded_once(typed::Expr reduce) {
  auto& node = std::get<typed::Reduce>(reduce.node);
  const bool adds = node.reduction == Reduction::sum || node.reduction == Reduction::prod;
  if (!adds || !runtime::is_small_float(reduce.type.dtype)) return reduce;
  const typed::Type type = std::exchange(reduce.type, {DType::f32, {}});
  const Span span = reduce.span;
  accumulate_in_f32(*node.body);
  return {type, span, typed::Convert{boxed(std::move(reduce))}};
}

MaybeChecked FunctionChecker::check(const Reduce& n, Span span, TypePtr) {
  if (!rank_fits(n.indices.size(), n.op_span)) return std::nullopt;
  if (gives_index(n.reduction) && n.indices.size() != 1) {
    report(Diag::one_index, n.op_span, text(n.reduction), n.indices.size());
    return std::nullopt;
  }
  std::vector<std::optional<typed::Expr>> los, his;  // i64; a given range may depend on variables
  bool fine = true;
  for (const IndexBinding& i : n.indices) {
    los.push_back(i.lo ? expression_of(*i.lo, {DType::i64, {}}) : index_constant(0, i.name.span));
    his.push_back(i.hi ? expression_of(*i.hi, {DType::i64, {}}) : index_constant(0, i.name.span));
    fine &= los.back() && his.back();
  }
  scopes_.push_back({});
  std::vector<typed::VarId> vars;
  MaybeChecked body;
  if (bind(n.indices, *n.body, vars) && fine) {
    for (size_t k = 0; k < vars.size(); k++) {
      if (!n.indices[k].hi) continue;
      auto lo = affine(*los[k]), hi = affine(*his[k]);
      if (lo && hi && lo->is_number() && hi->is_number())
        bounds_[vars[k]] = {lo->constant, hi->constant};
    }
    body = body_under(vars, *n.body);
  }
  scopes_.pop_back();
  if (!body || !reduces(n, *body)) return std::nullopt;
  if (gives_index(n.reduction) && !settle_default(*body)) return std::nullopt;

  typed::Reduce made{n.reduction, {}, nullptr};
  for (size_t k = 0; k < vars.size(); k++) {
    if (!n.indices[k].hi) {  // symbolic only while the function is checked for all dimensions
      his[k] =
          index_constant(bounds_.at(vars[k]).hi.constant().value_or(0), n.indices[k].name.span);
    }
    made.indices.push_back({vars[k], boxed(*std::move(los[k])), boxed(*std::move(his[k]))});
  }
  typed::Type type{gives_index(n.reduction) ? DType::i64 : body->dtype(), {}};
  bool open = body->open;
  made.body = boxed(std::move(body->expr));
  typed::Expr reduced{std::move(type), span, std::move(made)};
  return Checked{open ? std::move(reduced) : rounded_once(std::move(reduced)), open};
}

bool FunctionChecker::reduces(const Reduce& n, const Checked& body) {
  bool is_bool = body.dtype() == DType::bool_;
  if (body.type().is_scalar() && is_bool == is_of_bools(n.reduction)) return true;
  auto& d = report(Diag::reduction_type, n.body->span, text(n.reduction), body.type().text());
  if (!body.type().is_scalar())
    d.hint("its body is one element: subscript the tensor");
  else if (is_bool)
    d.hint(fmt::format("count with `{}[…] if … {{ 1 }} else {{ 0 }}`", text(n.reduction)));
  else
    d.hint("it takes a condition, in parentheses: `(x[i] > 0)`");
  return false;
}

}  // namespace tenon::ast
