// The extents of indices: inferred from where an index stands alone as a subscript. Where two such
// uses disagree, the message shows both places.
#include "ast/function_checker.h"

namespace tenon::ast {

// [snippet use]
/// A place where an index or a run of indices stands alone as a subscript.
struct FunctionChecker::Use {
  const Expr* whole;
  const Subscript* subscript;
  size_t position;

  const Expr& base() const { return *subscript->base; }
  Span span() const { return subscript->subscripts[position]->span; }
};
// [end]

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
      if (auto* found = uses_by(s, position))
        found->push_back({&whole, &s, position});
      else
        in(*s.subscripts[position]);
    }
    if (s.otherwise) in(*s.otherwise);
  }
  /// The uses of the index or run that this subscript is, standing alone; null where it tells
  /// nothing about one that is sought.
  std::vector<Use>* uses_by(const Subscript& s, size_t position) {
    // [exercise extents]
    // [starter] // Your code here. This takes every lone name for a use, whatever it means there.
    // [starter] auto* alone = std::get_if<NameRef>(&s.subscripts[position]->node);
    // [starter] auto found = alone ? uses.find(alone->name) : uses.end();
    // [starter] return found == uses.end() ? nullptr : &found->second;
    auto* alone = std::get_if<NameRef>(&s.subscripts[position]->node);
    auto* run = std::get_if<Run>(&s.subscripts[position]->node);
    if (!alone && !run) return nullptr;
    if (alone && s.otherwise) return nullptr;  // a run has no other place to be known from
    const std::string key = alone ? alone->name : "..." + run->name;
    auto found = uses.find(key);
    if (found == uses.end() || inner.contains(key) || depends_on_inner(*s.base)) return nullptr;
    return &found->second;
    // [end]
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

// [snippet evidence]
/// What a use says about the index: that it runs along this axis.
std::optional<FunctionChecker::Evidence> FunctionChecker::evidence(const Use& use, size_t offset) {
  const std::optional<typed::Type>& base = type_of_base(use.base());
  auto axes = base ? axes_of(use, base->shape.size()) : std::nullopt;
  if (!axes || offset >= axes->count) return std::nullopt;
  const size_t axis = axes->first + offset;
  auto* name = std::get_if<NameRef>(&use.base().node);
  return Evidence{base->shape[axis], use.span(),
                  fmt::format("axis {} of {}{}", axis + 1,
                              name ? quoted(name->name) + ", " : "", quoted(*base)),
                  side(use.base(), *base), axis};
}
// [end]

std::optional<Extent> FunctionChecker::infer(const IndexBinding& index,
                                             const std::vector<Use>& uses, size_t offset) {
  // [exercise extents]
  // [starter] // Your code here. Until then no extent is known. Where two uses disagree, say
  // [starter] // index `k` has extent 2 here, but 3 elsewhere
  // [starter] static_cast<void>(offset);
  // [starter] explain_no_extent(index, uses);
  // [starter] return std::nullopt;
  std::optional<Evidence> first;
  for (const Use& use : uses) {
    auto now = evidence(use, offset);
    if (!now) continue;
    if (!first) first = now;
    if (agree(first->extent, now->extent)) continue;
    auto& d = report(Diag::extent_mismatch, now->span,
                     fmt::format("index {} has extent {} here, but {} elsewhere",
                                 quoted(index.name.text), now->extent.text(), first->extent.text()));
    d.with_label(now->where).note(first->span, first->where);
    show_axes(d, first->side, first->axis, now->side, now->axis,
              fmt::format("index {}", quoted(index.name.text)));
    return std::nullopt;
  }
  if (!first) {
    explain_no_extent(index, uses);
    return std::nullopt;
  }
  return first->extent;
  // [end]
}

void FunctionChecker::explain_no_extent(const IndexBinding& index, const std::vector<Use>& uses) {
  if (uses.empty()) {
    report(Diag::extent_unknown, index.name.span, index.name.text)
        .with_label("it stands nowhere alone as a subscript")
        .hint(fmt::format("give it: `{}: N`", index.name.text));
    return;
  }
  // Where it stands alone something else is wrong.
  definitions_++;
  for (const Use& use : uses) {
    auto base = settled(use.base());
    auto count = base ? axis_count(*use.subscript) : std::nullopt;
    if (count) rank_matches(*use.subscript, base->type, *count, use.whole->span);
  }
  definitions_--;
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
      report(Diag::duplicate_index, i.name.span, key_of(i))
          .note(it->second, "it is first bound here");
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

}  // namespace tenon::ast
