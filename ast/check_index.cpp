// Index definitions and reductions.
#include "ast/function_checker.h"

namespace tenon::ast {

bool FunctionChecker::Bound::is_empty() const {
  auto count = Extent::sub(hi, lo);
  return count && count->constant() && *count->constant() <= 0;
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
  auto refuse_tensor = [&](const typed::Type& type) {
    report(Diag::type_mismatch, let.value->span, "a scalar", quoted(type))
        .hint("the right side of an index definition is one element: subscript the tensor");
    return std::nullopt;
  };
  if (is_whole_tensor(*let.value)) return refuse_tensor(type_of(*find(std::get<NameRef>(let.value->node).name)));
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
  if (!value->type().is_scalar()) return refuse_tensor(value->type());
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
  if (is_whole_tensor(*n.body)) {  // what is wrong, then, is not that the extents are not known
    auto body = expression(*n.body);
    if (!body || !reduces(n, *body)) return std::nullopt;
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
  for (const IndexBinding& i : n.indices) ended_.insert_or_assign(i.name.text, span);
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

/// A name that is one of a tensor: `sum[i] x`, which takes a subscript.
bool FunctionChecker::is_whole_tensor(const Expr& e) const {
  auto* name = std::get_if<NameRef>(&e.node);
  auto id = name ? find(name->name) : std::nullopt;
  return id && !wrong_.contains(*id) && !out_.vars[*id].type.is_scalar();
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
