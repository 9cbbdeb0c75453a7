// best_first: `argmax` as two reductions whose steps may be taken in any order, so that threads share
// them, or the lanes of a vector. Its own steps may not: each asks whether the one before has found a better element.
//
//     %at = compute [] { argmax[i: N](e(i)) }
//
//     %best = compute [i: 1] { max[j: N](e(j)) }
//     %at = compute [] { min[i: N](if e(i) == %best[0] { i } else { N }) }
//
// The first that is as good as the best, and where there is a NaN, which is better than any number, the
// first NaN: the index is the same. It pays from a few elements for each lane on, though what is searched is read
// twice: one thread, or one lane, would read it alone, element by element.
//
// An element is computed twice and compared with itself, so both have to be the same bits: where products may be
// fused with sums, or sums taken in another order, a search that computes such elements stays as it is.
#include <algorithm>

#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/tensor/outer_reductions.h"

namespace tenon::opt {
namespace {

using namespace ir;

constexpr int64_t kFewElements = 64;  ///< that one thread may search

/// Whether an element is the same bits wherever it is computed, though not under --strict.
bool is_exact(const Exprs& exprs, ExprId element) {
  const auto is = [&](ExprId id, ScalarOp op) {
    return exprs[id].kind == ExprKind::apply && exprs[id].op == op && runtime::is_floating(exprs[id].type);
  };
  bool exact = true;
  for_each_node(exprs, element, [&](ExprId id) {
    const Expr& e = exprs[id];
    const bool sums = e.kind == ExprKind::reduce && runtime::is_floating(e.type) &&
                      (e.reduction == Reduction::sum || e.reduction == Reduction::prod);
    const bool fusible = (is(id, ScalarOp::add) || is(id, ScalarOp::sub)) &&
                         std::ranges::any_of(e.args, [&](ExprId arg) { return is(arg, ScalarOp::mul); });
    exact = exact && !sums && !fusible && e.kind != ExprKind::call;
  });
  return exact;
}

class BestFirst {
 public:
  BestFirst(Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), exprs_(function.exprs), context_(context) {}

  void run() {
    rewrite_computes(function_, [&](Inst& inst, std::vector<Inst>& before) { rewrite(inst, before); });
  }

 private:
  void rewrite(Inst& inst, std::vector<Inst>& before) {
    for (const OuterReduction& found :
         outer_reductions(module_, function_, inst.get<Compute>())) {
      const Reduction kind = exprs_[found.id].reduction;
      const bool picks = kind == Reduction::argmax || kind == Reduction::argmin;
      if (!picks || found.turns_in_all() <= kFewElements) continue;
      if (!context_.strict && !is_exact(exprs_, exprs_[found.id].reduce_body())) continue;
      if (!context_.may_rewrite("argmax or argmin")) continue;
      const ValueId best = add_best(inst, found, before);
      inst.attribute =
          with_replaced(exprs_, inst.get<Compute>(), found.id, place(inst.get<Compute>(), found, best));
    }
  }

  ExprId number(int64_t value) { return exprs_.constant(Scalar::integer(DType::i64, value)); }
  std::vector<ExprId> bounds(const OuterReduction& found) {
    return {number(found.lo[0]), number(found.lo[0] + found.turns[0])};
  }

  /// A tensor of the best elements; of one element where there is but one.
  ValueId add_best(const Inst& inst, const OuterReduction& found, std::vector<Inst>& before) {
    const auto& compute = inst.get<Compute>();
    const bool is_min = exprs_[found.id].reduction == Reduction::argmin;
    Compute made;
    std::vector<ExprId> levels;
    for (const uint32_t level : found.levels) {
      levels.push_back(exprs_.index(static_cast<uint32_t>(levels.size())));
      made.extents.push_back(compute.extents[level]);
    }
    if (levels.empty()) made.extents.push_back(1);
    const auto rank = static_cast<uint32_t>(made.extents.size());
    const ExprId element = moved_body(exprs_, compute, found, rank, levels, {exprs_.index(rank)});
    made.bodies = {exprs_.reduce(is_min ? Reduction::min : Reduction::max, rank, bounds(found), element)};
    const ValueId best = function_.add_value(
        module_.types.intern({exprs_[element].type, made.extents}), is_min ? "least" : "most");
    before.push_back({Op::compute, {best}, {}, std::move(made), inst.span});
    return best;
  }

  /// Where the best one first stands, in the compute's own indices.
  ExprId place(const Compute& compute, const OuterReduction& found, ValueId best) {
    const auto rank = static_cast<uint32_t>(compute.extents.size());
    const ExprId element = exprs_[found.id].reduce_body();
    const DType type = exprs_[element].type;
    std::vector<ExprId> subscripts;
    for (const uint32_t level : found.levels) subscripts.push_back(exprs_.index(level));
    if (subscripts.empty()) subscripts.push_back(number(0));
    const ExprId sought = exprs_.read(best, type, subscripts);
    ExprId is_it = exprs_.apply(ScalarOp::eq, {element, sought});
    if (runtime::is_floating(type)) {
      const ExprId both = exprs_.apply(ScalarOp::and_, {exprs_.apply(ScalarOp::isnan, {element}),
                                                        exprs_.apply(ScalarOp::isnan, {sought})});
      is_it = exprs_.apply(ScalarOp::or_, {is_it, both});
    }
    const ExprId at = exprs_.if_(is_it, exprs_.index(rank), bounds(found)[1]);
    return exprs_.reduce(Reduction::min, rank, bounds(found), at);
  }

  Module& module_;
  Function& function_;
  Exprs& exprs_;
  PassContext& context_;
};

}  // namespace

void best_first(Module& module, PassContext& context) {
  for (Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) BestFirst(module, function, context).run();
  }
}

}  // namespace tenon::opt
