// Index definitions and reductions: extents inferred from where an index stands alone as a
// subscript, and two-place errors where two such places disagree.
#include "ast/checker.h"

namespace tenon::ast {

bool FunctionChecker::Bound::is_empty() const {
  auto count = Extent::sub(hi, lo);
  return count && count->constant() && *count->constant() <= 0;
}

// ---- inference

/// A place where an index or a run of indices stands alone as a subscript.
struct FunctionChecker::Use {
  const Expr* whole;
  const Subscript* subscript;
  size_t position;

  const Expr& base() const { return *subscript->base; }
  Span span() const { return subscript->subscripts[position]->span; }
};

namespace {

/// Indices and runs of one name are two things.
std::string key_of(const IndexBinding& index) {
  return (index.is_run ? "..." : "") + index.name.text;
}

}  // namespace

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
    for (size_t position = 0; position < s.subscripts.size(); position++) {
      const Expr& subscript = *s.subscripts[position];
      auto* alone = std::get_if<NameRef>(&subscript.node);
      auto* run = std::get_if<Run>(&subscript.node);
      const std::string key = alone ? alone->name : run ? "..." + run->name : "";
      const bool counts = run || !s.otherwise;  // a run has no other place to be known from
      auto found = !key.empty() && counts && !inner.contains(key) ? uses.find(key) : uses.end();
      if (found != uses.end() && !depends_on_inner(*s.base)) {
        found->second.push_back({&whole, &s, position});
      } else {
        in(subscript);
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
    for (auto& i : r.indices) inner.insert(key_of(i));
    in(*r.body);
    for (auto& i : r.indices) inner.erase(inner.find(key_of(i)));
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

/// Where the axes of a use begin, and how many they are. Of several runs in one list all but one
/// must be known: the last one takes the axes that are left.
std::optional<FunctionChecker::Axes> FunctionChecker::axes_of(const Use& use, size_t rank) {
  const auto& list = use.subscript->subscripts;
  const Expr* unknown = nullptr;
  size_t others = 0;
  std::vector<size_t> counts;
  for (const ExprPtr& s : list) {
    auto* run = std::get_if<Run>(&s->node);
    auto* indices = run ? find_run(run->name) : nullptr;
    if (run && !indices) {
      if (unknown) return std::nullopt;
      unknown = s.get();
    }
    counts.push_back(run ? (indices ? indices->size() : 0) : 1);
    others += counts.back();
  }
  if (unknown ? others > rank : others != rank) return std::nullopt;
  Axes axes{0, 0};
  for (size_t i = 0; i <= use.position; i++) {
    const size_t count = list[i].get() == unknown ? rank - others : counts[i];
    if (i < use.position)
      axes.first += count;
    else
      axes.count = count;
  }
  return axes;
}

std::optional<Extent> FunctionChecker::infer(const IndexBinding& index,
                                             const std::vector<Use>& uses, size_t offset) {
  std::optional<Extent> found;
  std::string found_where;
  Span found_span;
  for (const Use& use : uses) {
    const std::optional<typed::Type>& base = type_of_base(use.base());
    auto axes = base ? axes_of(use, base->shape.size()) : std::nullopt;
    if (!axes || offset >= axes->count) continue;
    const size_t axis = axes->first + offset;
    const Extent& extent = base->shape[axis];
    auto* name = std::get_if<NameRef>(&use.base().node);
    std::string where = fmt::format("axis {} of {}{}", axis + 1,
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
    auto count = base ? axis_count(*use.subscript) : std::nullopt;
    if (count) rank_matches(*use.subscript, base->type, *count, use.whole->span);
  }
}

namespace {

const Expr* find_name(const Expr& e, const std::string& name) {
  auto* ref = std::get_if<NameRef>(&e.node);
  if (ref && ref->name == name) return &e;
  const Expr* found = nullptr;
  for_each_child(e, [&](const Expr& child) {
    if (!found) found = find_name(child, name);
  });
  return found;
}

}  // namespace

/// The variables of a run: as many as the first use whose base's rank is known leaves to it.
bool FunctionChecker::bind_run(const IndexBinding& index, const std::vector<Use>& uses,
                               const Expr& body, std::vector<typed::VarId>& vars) {
  for (const Use& use : uses) {
    const std::optional<typed::Type>& base = type_of_base(use.base());
    auto axes = base ? axes_of(use, base->shape.size()) : std::nullopt;
    if (!axes) continue;
    for (size_t i = 0; i < axes->count; i++) {
      vars.push_back(hidden(fmt::format("{}.{}", index.name.text, i + 1), {DType::i64, {}},
                            index.name.span, typed::VarKind::index));
    }
    scopes_.back().runs[index.name.text] = vars;
    return true;
  }
  const Expr* bare = uses.empty() ? find_name(body, index.name.text) : nullptr;
  if (bare) {
    report(Diag::unknown_name, bare->span, index.name.text)
        .note(index.name.span, "this is a run of indices")
        .hint(fmt::format("a run is written `...{}` where it is used, too", index.name.text));
  } else {
    explain_no_extent(index, uses);
  }
  return false;
}

bool FunctionChecker::bind(const std::vector<IndexBinding>& indices, const Expr& body,
                           BoundIndices& vars) {
  UseFinder finder;
  std::map<std::string, Span> seen;
  vars.resize(indices.size());
  bool fine = true;
  for (size_t n = 0; n < indices.size(); n++) {
    const IndexBinding& i = indices[n];
    auto [it, fresh] = seen.emplace(key_of(i), i.name.span);
    if (!fresh) {
      report(Diag::duplicate_index, i.name.span, key_of(i)).note(it->second, "it is first bound here");
      fine = false;
    }
    if (!i.hi) finder.uses[key_of(i)];
    if (i.is_run) continue;
    vars[n].push_back(hidden(i.name.text, {DType::i64, {}}, i.name.span, typed::VarKind::index));
    scopes_.back().names[i.name.text] = vars[n][0];
  }
  if (!fine) return false;
  if (!finder.uses.empty()) finder.in(body);
  for (size_t n = 0; n < indices.size(); n++) {
    const IndexBinding& i = indices[n];
    if (i.is_run) fine &= bind_run(i, finder.uses[key_of(i)], body, vars[n]);
  }
  for (size_t n = 0; n < indices.size() && fine; n++) {
    if (indices[n].hi) continue;
    for (size_t k = 0; k < vars[n].size(); k++) {
      auto found = infer(indices[n], finder.uses[key_of(indices[n])], k);
      if (found) bounds_[vars[n][k]] = {Extent(0), *found};
      fine &= found.has_value();
    }
  }
  return fine;
}

MaybeChecked FunctionChecker::body_under(const BoundIndices& vars, const Expr& body) {
  bool runs = true;
  for (auto& index : vars) {
    for (typed::VarId v : index) {
      auto bound = bounds_.find(v);
      runs &= bound == bounds_.end() || !bound->second.is_empty();
    }
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
  BoundIndices vars;
  MaybeChecked value;
  if (bind(*let.indices, *let.value, vars)) {
    for (size_t n = 0; n < vars.size(); n++) {
      if ((*given)[n]) bounds_[vars[n][0]] = *(*given)[n];
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
  for (auto& index : vars) {
    for (typed::VarId v : index) {
      const Bound& b = bounds_.at(v);
      Extent extent = b.is_empty() ? Extent(0) : *Extent::sub(b.hi, b.lo);
      made.indices.push_back({v, b.lo.constant().value_or(0), extent});
      type.shape.push_back(extent);
    }
  }
  if (!rank_fits(type.shape.size(), span) || !fits_memory(type, span)) return std::nullopt;
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
  if (gives_index(n.reduction) && (n.indices.size() != 1 || n.indices[0].is_run)) {
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
  BoundIndices vars;
  MaybeChecked body;
  if (bind(n.indices, *n.body, vars) && fine) {
    for (size_t k = 0; k < vars.size(); k++) {
      if (!n.indices[k].hi) continue;
      auto lo = affine(*los[k]), hi = affine(*his[k]);
      if (lo && hi && lo->is_number() && hi->is_number())
        bounds_[vars[k][0]] = {lo->constant, hi->constant};
    }
    body = body_under(vars, *n.body);
  }
  scopes_.pop_back();
  if (!body || !reduces(n, *body)) return std::nullopt;
  if (gives_index(n.reduction) && !settle_default(*body)) return std::nullopt;

  typed::Reduce made{n.reduction, {}, nullptr};
  for (size_t k = 0; k < vars.size(); k++) {
    const Span at = n.indices[k].name.span;
    for (typed::VarId v : vars[k]) {
      if (!n.indices[k].hi) {  // symbolic only while the function is checked for all dimensions
        los[k] = index_constant(0, at);
        his[k] = index_constant(bounds_.at(v).hi.constant().value_or(0), at);
      }
      made.indices.push_back({v, boxed(*std::move(los[k])), boxed(*std::move(his[k]))});
    }
  }
  if (made.indices.empty()) {  // a run of none: there is one element
    made.indices.push_back(
        {hidden_index(span), boxed(index_constant(0, span)), boxed(index_constant(1, span))});
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
