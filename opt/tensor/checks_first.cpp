// checks_first: what may fail in a compute is tried before it, once for each way in which it can fail. Then
// nothing is left that has to happen in the order of the elements, and loops may be split, exchanged,
// vectorized and run in parallel:
//
//     %y = compute [i: 2048, k: 256] { sum[j: 768](%table[%ids[i], j] * %w[j, k]) }
//
//     %y.checks = compute [i: 2048, k: 1] { all[j: 1](%table[%ids[i], 0] == %table[%ids[i], 0] or true) }
//     %y = compute [i: 2048, k: 256] unchecked { sum[j: 768](%table[%ids[i], j] * %w[j, k]) }
//
// Tried are all nodes that may fail, in the order in which an element evaluates them, under the conditions
// and in the reductions where they stand, and elements in their order; so the first failure is the same.
// Indices that no failure depends on need one turn: whatever fails in one of their turns fails in the first.
// What is computed from a value that may fail is left out; what is always true stands for it.
//
// It pays where the checks are a small part of the work: a gather checks a row, and reads all of it. Run last,
// but for `own`: what is unchecked rests on what stands before it, and nothing may move it up from there.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ir/levels.h"
#include "ir/range_prover.h"
#include "opt/analysis/purity.h"
#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/tensor/cost.h"
#include "opt/tensor/outer_reductions.h"

namespace tenon::opt {
namespace {

using namespace ir;

constexpr double kMostOfCost = 0.25;  ///< that checks may take, of what the compute does

/// The checks of one compute: bools that are true, where it can be computed at all.
class Checks {
 public:
  using MaybeExpr = std::optional<ExprId>;

  Checks(const Module& module, Function& function, const Compute& compute)
      : module_(module),
        function_(function),
        exprs_(function.exprs),
        compute_(compute),
        prover_(function, compute) {
    for (const ExprId id : fallible_nodes(module, function, compute)) fallible_.insert(id);
    sites_.insert(compute.sites.begin(), compute.sites.end());
  }

  /// None if nothing can fail, or it would be too large to write down.
  std::optional<Compute> run() {
    if (fallible_.empty()) return std::nullopt;
    MaybeExpr all;
    for (const ExprId body : compute_.bodies) all = both(all, check(body));
    if (!all || prover_.exhausted()) return std::nullopt;
    if (exprs_[*all].tree_size > kMaxTreeSize) return std::nullopt;
    Compute made{compute_.extents, {*all}, {}, compute_.indices};
    for (uint32_t level = 0; level < made.extents.size(); ++level)
      if (!has_index(exprs_, *all, level)) made.extents[level] = 1;
    for_each_node(exprs_, made.bodies, [&](ExprId id) {
      if (const auto site = sites_.find(id); site != sites_.end()) made.sites.emplace_back(*site);
    });
    return made;
  }

 private:
  ExprId number(int64_t n) { return exprs_.constant(Scalar::integer(DType::i64, n)); }
  ExprId truth() { return exprs_.constant(Scalar::boolean(true)); }
  /// First `a`, then `b`: operands are evaluated in their order.
  MaybeExpr both(MaybeExpr a, MaybeExpr b) {
    if (!a || !b) return a ? a : b;
    return exprs_.apply(ScalarOp::and_, {*a, *b});
  }
  /// True, once `id` has been evaluated.
  ExprId tried(ExprId id) {
    return exprs_.apply(ScalarOp::or_, {exprs_.apply(ScalarOp::eq, {id, id}), truth()});
  }
  /// `id` with other arguments, which fails where and as it does.
  ExprId likewise(ExprId id, std::vector<ExprId> args) {
    const ExprId made = exprs_.with_args(id, std::move(args));
    if (const auto site = sites_.find(id); site != sites_.end()) sites_.emplace(made, site->second);
    return made;
  }

  /// What fails where `id` does, and first; none if it cannot.
  MaybeExpr check(ExprId id) {
    if (const auto known = known_.find(id); known != known_.end()) return known->second;
    if (!prover_.step()) return std::nullopt;
    const Expr node = exprs_[id];  // a copy: the arena grows
    const MaybeExpr made = node.kind == ExprKind::if_      ? of_branches(node)
                           : node.kind == ExprKind::reduce ? of_reduction(id, node)
                                                           : of_operation(id, node);
    return known_[id] = made;
  }

  /// In a scope of its own: what cannot fail here may elsewhere.
  MaybeExpr check_inside(ExprId id) {
    auto outside = std::exchange(known_, {});
    const MaybeExpr made = check(id);
    known_ = std::move(outside);
    return made;
  }

  MaybeExpr of_branches(const Expr& node) {
    MaybeExpr then, otherwise;
    prover_.in_branch(node.args[0], true, [&] { then = check_inside(node.args[1]); });
    prover_.in_branch(node.args[0], false, [&] { otherwise = check_inside(node.args[2]); });
    if (!then && !otherwise) return check(node.args[0]);
    return exprs_.if_(node.args[0], then.value_or(truth()), otherwise.value_or(truth()));
  }

  /// The bounds, that there is an element where one is needed, and the elements.
  MaybeExpr of_reduction(ExprId id, const Expr& node) {
    MaybeExpr all;
    for (size_t i = 0; i + 1 < node.args.size(); ++i) all = both(all, check(node.args[i]));
    if (fallible_.contains(id)) {
      std::vector<ExprId> args = node.args;
      args.back() = exprs_.constant(runtime::convert(exprs_[node.reduce_body()].type,
                                                     Scalar::integer(DType::i64, 0)));
      all = both(all, tried(likewise(id, std::move(args))));
    }
    MaybeExpr elements;
    if (!prover_.never_runs(node))
      prover_.in_reduction(node, [&] { elements = check_inside(node.reduce_body()); });
    if (!elements) return all;
    return both(all, exprs_.reduce(Reduction::all, node.level, bounds(node, *elements), *elements));
  }

  MaybeExpr of_operation(ExprId id, const Expr& node) {
    std::vector<ExprId> args = node.args;
    const bool fails = fallible_.contains(id);
    if (fails) leave_out_harmless(node, args);
    MaybeExpr all;
    for (size_t i = 0; i < args.size(); ++i)
      if (!fails || args[i] != node.args[i]) all = both(all, check(node.args[i]));
    if (!fails) return all;
    // What is kept is evaluated with it; before what is left out, if that fails too, it has to be tried.
    if (all) {
      all.reset();
      for (const ExprId arg : node.args) all = both(all, check(arg));
    }
    return both(all, tried(likewise(id, std::move(args))));
  }

  /// Arguments by which a node that may fail does not.
  void leave_out_harmless(const Expr& node, std::vector<ExprId>& args) {
    if (node.kind == ExprKind::apply)
      args[0] = exprs_.constant(Scalar::integer(node.type, 1));  // of a division
    if (node.kind != ExprKind::read) return;
    const Shape& shape = module_.type(function_, node.value).shape;
    for (size_t axis = 0; axis < args.size(); ++axis) {
      const Range range = prover_.range(args[axis]);
      if (range.lo >= 0 && range.hi < shape[axis]) args[axis] = number(0);
    }
  }

  /// Of a reduction, whose range may be empty: one turn where `body` does not tell them apart.
  std::vector<ExprId> bounds(const Expr& reduce, ExprId body) {
    std::vector<ExprId> all(reduce.args.begin(), reduce.args.end() - 1);
    for (size_t i = 0; i < reduce.reduce_rank(); ++i) {
      const Expr &lo = exprs_[all[2 * i]], &hi = exprs_[all[2 * i + 1]];
      const bool turns = lo.kind == ExprKind::constant && hi.kind == ExprKind::constant &&
                         lo.constant.i < hi.constant.i;
      if (turns && !has_index(exprs_, body, reduce.level + static_cast<uint32_t>(i)))
        all[2 * i + 1] = number(lo.constant.i + 1);
    }
    return all;
  }

  const Module& module_;
  Function& function_;
  Exprs& exprs_;
  const Compute& compute_;
  RangeProver prover_;
  std::unordered_set<ExprId> fallible_;
  std::unordered_map<ExprId, Span> sites_;
  std::unordered_map<ExprId, MaybeExpr> known_;
};

/// What it computes. Memory does not count: checks touch a few elements of what the compute reads after them.
double work(const Module& module, const Function& function, const Compute& compute) {
  double points = 1;
  for (const int64_t extent : compute.extents) points *= static_cast<double>(extent);
  return points * cost_of_point(module, function, compute, true);
}

void add_checks(Module& module, Function& function, const InstEffects& effects, Inst& inst,
                std::vector<Inst>& before, PassContext& context) {
  const auto& compute = inst.get<Compute>();
  if (inst.unchecked || effects.besides_failure(inst).would_be_missed()) return;
  std::optional<Compute> checks = Checks(module, function, compute).run();
  if (!checks) return;
  if (work(module, function, *checks) > kMostOfCost * work(module, function, compute)) return;
  if (!context.may_rewrite("checks")) return;
  const std::string hint = function.value(inst.results[0]).name + ".checks";
  const ValueId value = function.add_value(module.types.intern({DType::bool_, checks->extents}), hint);
  before.push_back({Op::compute, {value}, {}, std::move(*checks), inst.span});
  inst.unchecked = true;
}

}  // namespace

void checks_first(Module& module, PassContext& context) {
  const Purity purity(module);
  for (Function& function : module.functions) {
    context.enter(function);
    if (has_owners(function)) continue;
    const InstEffects effects(module, function, purity);
    rewrite_computes(function, [&](Inst& inst, std::vector<Inst>& before) {
      add_checks(module, function, effects, inst, before, context);
    });
  }
}

}  // namespace tenon::opt
