// Subscripts, and those that leave their extent by the ranges of their indices alone.
#include <algorithm>

#include "ast/function_checker.h"

namespace tenon::ast {

MaybeChecked FunctionChecker::check(const Subscript& n, Span span, TypePtr) {
  auto base = settled(*n.base);
  if (!base) return std::nullopt;
  Subscripts given;
  if (!subscripts(n, base->type, span, given)) return std::nullopt;
  const bool whole = std::ranges::all_of(given, [](auto& s) { return s.has_value(); });
  if (!whole && n.otherwise) {
    report(Diag::open_else, n.otherwise->span);
    return std::nullopt;
  }
  if (!whole) return part(std::move(*base), std::move(given), span);
  if (given.empty()) return Checked{std::move(*base)};  // by a run of no indices
  typed::Element made;
  for (auto& s : given) made.subscripts.push_back(std::move(*s));
  typed::Type scalar{base->type.dtype, {}};
  if (n.otherwise) {
    branches_++;
    auto otherwise = expression_of(
        *n.otherwise, scalar, {n.base->span, fmt::format("the elements are {}", quoted(scalar))});
    branches_--;
    if (!otherwise) return std::nullopt;
    made.otherwise = boxed(std::move(*otherwise));
  }
  made.tensor = boxed(std::move(*base));
  return Checked{{scalar, span, std::move(made)}};
}

const std::vector<typed::VarId>* FunctionChecker::find_run(const std::string& name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (auto it = scope->runs.find(name); it != scope->runs.end()) return &it->second;
  }
  return nullptr;
}

std::optional<size_t> FunctionChecker::axis_count(const Subscript& n) {
  size_t count = 0;
  for (const ExprPtr& s : n.subscripts) {
    auto* run = std::get_if<Run>(&s->node);
    auto* indices = run ? find_run(run->name) : nullptr;
    if (run && !indices) {
      report(Diag::unknown_name, s->span, run->name)
          .hint(fmt::format("bind the run of indices, as in `let y[...{0}] = x[...{0}];`", run->name));
      return std::nullopt;
    }
    count += run ? indices->size() : 1;
  }
  return count;
}

bool FunctionChecker::subscripts(const Subscript& n, const typed::Type& base, Span span,
                                 Subscripts& out) {
  auto count = axis_count(n);
  if (!count) return false;
  bool fine = rank_matches(n, base, *count, span);
  for (const ExprPtr& tree : n.subscripts) {
    if (auto* run = std::get_if<Run>(&tree->node)) {
      for (typed::VarId index : *find_run(run->name)) out.push_back(variable(index, tree->span));
    } else if (std::holds_alternative<Colon>(tree->node)) {
      out.push_back(std::nullopt);
    } else {
      auto s = expression_of(*tree, {DType::i64, {}}, {tree->span, "a subscript is an integer"});
      fine &= s.has_value();
      if (!fine) continue;
      if (!n.otherwise && branches_ == 0) check_range(*s, base.shape[out.size()], *tree);
      out.push_back(std::move(*s));
    }
  }
  return fine;
}

bool FunctionChecker::rank_matches(const Subscript& n, const typed::Type& base, size_t given,
                                   Span span) {
  size_t rank = base.shape.size();
  if (rank == given && !base.aggregate) return true;
  auto* name = std::get_if<NameRef>(&n.base->node);
  std::string shown = name ? name->name : base.text();
  auto& d = rank == 0 ? report(Diag::not_a_tensor, n.base->span, base.text())
                      : report(Diag::subscript_count, span, shown, rank, given);
  if (auto id = name ? find(name->name) : std::nullopt) {
    d.note(var(*id).span, fmt::format("{} is {}", quoted(shown), quoted(base)));
  }
  if (rank > given && given > 0) {
    std::string open;
    for (size_t axis = given; axis < rank; axis++) open += ", :";
    const std::string some = given == 1 ? "i" : "i, …";
    // In a definition an element is wanted, and which one nobody can tell.
    std::vector<lexer::Edit> edits;
    const Span last = n.subscripts.back()->span;
    if (definitions_ == 0 && !n.otherwise) edits = {{{last.file, last.end, last.end}, open}};
    d.hint(fmt::format("for the whole part write `{}[{}{}]`", shown, some, open),
           std::move(edits));
  }
  return false;
}

// ---- ranges

std::optional<Affine> Affine::plus(const Affine& other, int64_t scale) const {
  Affine sum = *this;
  auto scaled = Extent::mul(other.constant, Extent(scale));
  auto total = scaled ? Extent::add(constant, *scaled) : std::nullopt;
  if (!total) return std::nullopt;
  sum.constant = *total;
  for (auto& [var, coefficient] : other.coefficients) {
    int64_t term, &old = sum.coefficients[var];
    if (__builtin_mul_overflow(coefficient, scale, &term) ||
        __builtin_add_overflow(old, term, &old)) {
      return std::nullopt;
    }
    if (old == 0) sum.coefficients.erase(var);
  }
  return sum;
}

std::optional<Affine> FunctionChecker::affine(const typed::Expr& e) const {
  if (e.type.dtype != DType::i64 || !e.type.is_scalar()) {
    auto value = runtime::is_integer(e.type.dtype) ? evaluate(e) : std::nullopt;
    return value ? std::optional(Affine{Extent(value->i)}) : std::nullopt;
  }
  if (auto* c = std::get_if<typed::Constant>(&e.node)) return Affine{Extent(c->value.i)};
  if (auto* v = std::get_if<typed::Variable>(&e.node)) {
    if (auto it = symbols_.find(v->var); it != symbols_.end()) return Affine{it->second};
    return Affine{Extent(0), {{v->var, 1}}};
  }
  if (auto* c = std::get_if<typed::Convert>(&e.node)) {
    bool widens = runtime::is_integer(c->operand->type.dtype);
    return widens ? affine(*c->operand) : std::nullopt;
  }
  auto* a = std::get_if<typed::Apply>(&e.node);
  if (!a) return std::nullopt;
  auto left = affine(a->args[0]);
  auto right = a->args.size() > 1 ? affine(a->args[1]) : std::nullopt;
  if (a->op == ScalarOp::neg && left) return Affine{Extent(0)}.plus(*left, -1);
  if (!left || !right) return std::nullopt;
  switch (a->op) {
    case ScalarOp::add: return left->plus(*right, 1);
    case ScalarOp::sub: return left->plus(*right, -1);
    case ScalarOp::mul: {
      if (!left->is_number() || !left->constant.constant()) std::swap(left, right);
      auto factor = left->is_number() ? left->constant.constant() : std::nullopt;
      return factor ? Affine{Extent(0)}.plus(*right, *factor) : std::nullopt;
    }
    default: return std::nullopt;
  }
}

/// [lowest, highest + 1), which both occur; nothing if a variable is no index of a known range.
std::optional<FunctionChecker::Bound> FunctionChecker::range(const Affine& form) const {
  auto add = [](Extent& sum, const Extent& value, int64_t scale) {
    auto term = Extent::mul(value, Extent(scale));
    auto total = term ? Extent::add(sum, *term) : std::nullopt;
    if (total) sum = *total;
    return total.has_value();
  };
  Extent lowest = form.constant, highest = form.constant;
  for (auto& [var, coefficient] : form.coefficients) {
    auto it = bounds_.find(var);
    if (it == bounds_.end()) return std::nullopt;
    auto last = Extent::sub(it->second.hi, Extent(1));
    if (!last) return std::nullopt;
    bool grows = coefficient > 0;
    if (!add(lowest, grows ? it->second.lo : *last, coefficient)) return std::nullopt;
    if (!add(highest, grows ? *last : it->second.lo, coefficient)) return std::nullopt;
  }
  if (!add(highest, Extent(1), 1)) return std::nullopt;
  return Bound{lowest, highest};
}

void FunctionChecker::check_range(const typed::Expr& subscript, const Extent& extent,
                                  const Expr& tree) {
  auto form = affine(subscript);
  auto values = form ? range(*form) : std::nullopt;
  if (!values) return;
  auto beyond = Extent::sub(values->hi, extent);
  bool too_low = values->lo.constant() && *values->lo.constant() < 0;
  bool too_high = beyond && beyond->constant() && *beyond->constant() > 0;
  if (!too_low && !too_high) return;

  auto last = [](const Bound& b) { return Extent::sub(b.hi, Extent(1)).value_or(b.hi).text(); };
  std::string what = form->is_number()
                         ? "is " + values->lo.text()
                         : fmt::format("runs from {} to {}", values->lo.text(), last(*values));
  auto& d = report(Diag::subscript_range, tree.span, what, extent.text());
  for (auto& [id, coefficient] : form->coefficients) {
    const Bound& b = bounds_.at(id);
    d.note(var(id).span,
           fmt::format("{} runs from {} to {}", quoted(var(id).name), b.lo.text(), last(b)));
  }
  if (form->is_number()) return;
  d.hint(
      "give a value for what lies outside, as in `x[i - 1 else 0.0]`, or a smaller range to the "
      "index");
}

}  // namespace tenon::ast
