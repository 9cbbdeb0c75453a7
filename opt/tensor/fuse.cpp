// fuse: puts the body of a compute where its elements are read, so that the tensor between the two
// is never made. In index notation that is substitution: `%h[s, t]` becomes h's body with s, t for
// its indices. (Loop fusion as tensor compilers do it: Ragan-Kelley et al., "Halide", PLDI 2013,
// whose `compute_at` and `inline` are the two sides of the choice made here.)
//
// When it pays. Unfused, each element is computed once, stored, and loaded again by every read;
// fused, it is computed at every read. Which is less opt/tensor/cost.h says, for the producer and
// all its consumers together: if all of them can take it in, the tensor goes, with its store and
// its memory; if not, it is computed anyhow, and goes into those consumers in which computing costs
// no more than loading (a transpose, a constant). By the stated cost nothing becomes slower.
//
// When it may not, whatever it costs:
//   - A producer that may fail stays, as fewer elements might be computed, or later; unless its only
//     consumer, with no effect in between, wants every element once and in order, and cannot fail
//     itself: then what fails first stays the same. Likewise a read that may be out of range.
//   - The loops of a matrix product or a convolution are blocked together. It goes only where they
//     stay what they were: into one read, outside reductions, at sums of indices; and no reduction goes
//     into theirs.
//   - A producer that carries a schedule stays; with the directive `inline` it goes into all that read it.
//   - What the producer reads must not be overwritten in between: it would have to be copied.
#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "ir/dominators.h"
#include "ir/ranges.h"
#include "opt/analysis/contraction.h"
#include "opt/analysis/purity.h"
#include "opt/analysis/value_ranges.h"
#include "opt/pass.h"
#include "opt/refused.h"
#include "opt/rewrite.h"
#include "opt/tensor/cost.h"
#include "opt/tensor/inlined.h"
#include "opt/tensor/reads.h"
#include "opt/tensor/subscripts.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// Of more consumers the copies would be too many.
constexpr size_t kMaxConsumers = 8;
/// So near must a consumer stand to take in a producer that may fail.
constexpr size_t kNear = 64;

struct Place {
  uint32_t block;
  size_t index;
  auto operator<=>(const Place&) const = default;
};

class Fuse {
 public:
  Fuse(const Module& module, Function& function, const Purity& purity, PassContext& context)
      : module_(module),
        function_(function),
        exprs_(function.exprs),
        context_(context),
        purity_(purity),
        effects_(module, function, purity),
        ranges_(module, function) {}

  void run() {
    // Producers before consumers: what is put somewhere is complete.
    for (uint32_t b : reverse_postorder(control_flow(function_)))
      for (size_t i = 0; i < function_.blocks[b].insts.size(); ++i) note({b, i});
    while (!todo_.empty()) {
      const ValueId producer = todo_.front();
      todo_.pop_front();
      if (!removed_.contains(producer)) try_fuse(producer);
    }
    for (Block& block : function_.blocks)
      std::erase_if(block.insts, [&](const Inst& inst) { return removed_.contains(inst.result()); });
  }

 private:
  /// What the choice asks of a compute.
  struct Facts {
    std::vector<ExprId> fallible;
    double cost;
  };
  struct Producer {
    ValueId value;
    Place place;
    Compute compute;
    Facts facts;
  };
  struct Fused {
    Place consumer;
    Compute compute;
    Facts facts;
    double before;  ///< what the consumer costs without it
  };

  Inst& at(Place place) { return function_.blocks[place.block].insts[place.index]; }

  void note(Place place) {
    const Inst& inst = at(place);
    for_each_use(function_, inst, [&](ValueId value) { users_[value].insert(place); });
    if (inst.op == Op::constant) constants_[inst.result()] = inst.get<Scalar>();
    if (inst.op == Op::update) taken_[inst.args[0]].insert(place);
    if (inst.op != Op::compute || inst.results.size() > 1 || inst.get<Compute>().extents.empty())
      return;
    producers_[inst.result()] = place;
    todo_.push_back(inst.result());
  }

  // ---- the choice

  void try_fuse(ValueId value) {
    const Place place = producers_.at(value);
    const std::set<Place> users = users_[value];
    const Compute& compute = at(place).get<Compute>();
    const Directive* told = directive_of(compute, DirectiveKind::inline_);
    if (compute.schedule && !told) return;  // its loops are wanted as they are
    if (users.empty() || (users.size() > kMaxConsumers && !told) || size(at(place)) > kMaxTreeSize) return;
    const Producer producer{value, place, compute, facts_at(place, compute)};
    std::vector<Fused> fused;
    for (Place user : users)
      if (std::optional<Fused> made = fuse_into(user, producer)) fused.push_back(std::move(*made));
    if (told && fused.size() < users.size())
      throw Refused{"`inline` is refused: what reads it as a whole, under a condition, in another order or "
                    "after a change cannot take it in",
                    told->span};
    if (!told && !fused.empty()) choose(producer, std::move(fused), users.size());
    for (size_t i = 0; told && i < fused.size(); ++i) commit(std::move(fused[i]));
    if (users_[value].empty()) remove(value, place);
  }

  // [snippet choose]
  /// Into all of its `users`, if that costs no more than storing it; else into those that it makes no
  /// dearer. `fused` has the ones that may take it in. (What may fail has one user, or none of these.)
  void choose(const Producer& producer, std::vector<Fused> fused, size_t users) {
    // [exercise choice]
    // [starter] (void)producer, (void)fused, (void)users;
    double before = producer.facts.cost, after = 0;
    for (const Fused& f : fused) before += f.before, after += f.facts.cost;
    const bool all = fused.size() == users && after <= before;
    for (Fused& f : fused)
      if (all || f.facts.cost <= f.before) commit(std::move(f));
    // [end]
  }
  // [end]

  void commit(Fused fused) {
    if (!context_.may_rewrite("producer into consumer")) return;
    Inst& consumer = at(fused.consumer);
    const auto for_each_used = [&](auto visit) {
      for_each_use(function_, consumer, [&](ValueId used) { visit(users_[used]); });
    };
    for_each_used([&](std::set<Place>& users) { users.erase(fused.consumer); });
    consumer.op = Op::compute;
    consumer.args.clear();
    consumer.attribute = std::move(fused.compute);
    facts_[fused.consumer] = std::move(fused.facts);
    consumer.unchecked = false;  // what was proved was another body
    for_each_used([&](std::set<Place>& users) { users.insert(fused.consumer); });
  }

  // [snippet remove]
  /// What it read may now have one consumer less, and pay.
  void remove(ValueId value, Place place) {
    removed_.insert(value);
    for_each_use(function_, at(place), [&](ValueId used) {
      if (users_[used].erase(place) != 0 && producers_.contains(used)) todo_.push_back(used);
    });
  }
  // [end]

  // ---- one consumer

  std::optional<Fused> fuse_into(Place user, const Producer& producer) {
    if (user.block != producer.place.block || size(at(user)) > kMaxTreeSize) return {};
    const std::optional<Compute> consumer = as_compute(module_, function_, constants_, at(user));
    if (!consumer) return {};
    const Facts& now = facts_at(user, *consumer);
    if (!may_fuse(producer, user, *consumer, now)) return {};

    Compute fused = with_simple_subscripts(
        function_, inlined(exprs_, producer.value, producer.compute, *consumer));
    add_sites(fused, producer.facts.fallible, producer.compute, at(producer.place).span);
    if (tree_size(exprs_, fused) > kMaxTreeSize) return {};
    // Ranges may be harder to see in the longer formula; a check that was not needed stays away.
    Facts then = facts_of(user, fused);
    if (then.fallible.size() > now.fallible.size() + producer.facts.fallible.size()) return {};
    const double before = at(user).op == Op::element ? 0 : now.cost;
    return Fused{user, std::move(fused), std::move(then), before};
  }

  // ---- whether it may

  // [snippet legality]
  /// Whether the consumer at `user`, of which `now` is known, means the same with the producer in it.
  bool may_fuse(const Producer& producer, Place user, const Compute& consumer, const Facts& now) {
    // [exercise legality]
    // [starter] (void)producer, (void)user, (void)consumer, (void)now;
    // [starter] return true;
    if (overwritten_between(producer, user)) return false;
    const auto reads_it = [&](ExprId id) { return exprs_[id].value == producer.value; };
    if (std::ranges::any_of(now.fallible, reads_it)) return false;
    if (!producer.facts.fallible.empty() &&
        !(now.fallible.empty() && fails_as_before(producer, consumer, user)))
      return false;
    if (is_blocked(consumer)) return !has_reduction(exprs_, producer.compute.bodies);
    return !is_blocked(producer.compute) || keeps_loops(exprs_, producer.value, consumer);
    // [end]
  }
  // [end]

  // [exercise legality]
  /// Whether an update between the two overwrites what the producer reads.
  bool overwritten_between(const Producer& producer, Place user) {
    if (taken_.empty()) return false;
    bool overwritten = false;
    for_each_node(exprs_, producer.compute.bodies, [&](ExprId id) {
      const auto taken = taken_.find(exprs_[id].value);
      if (exprs_[id].kind != ExprKind::read || taken == taken_.end()) return;
      const auto next = taken->second.upper_bound(producer.place);
      overwritten |= next != taken->second.end() && *next < user;
    });
    return overwritten;
  }

  /// Whether the first failure of a producer stays what it is.
  bool fails_as_before(const Producer& producer, const Compute& consumer, Place user) {
    return users_[producer.value].size() == 1 &&
           takes_all_in_order(exprs_, producer.value, producer.compute.extents, consumer) &&
           !has_effect_between(producer.place, user);
  }
  // [end]

  bool has_effect_between(Place from, Place to) {
    if (to.index - from.index > kNear) return true;
    for (size_t i = from.index + 1; i < to.index; ++i) {
      const Inst& inst = at({from.block, i});
      if (!removed_.contains(inst.result()) && effects_.would_be_missed(inst)) return true;
    }
    return false;
  }

  bool is_blocked(const Compute& compute) const { return has_reuse(exprs_, compute.bodies); }

  // ---- what they share

  /// A read that the ranges around the place prove in range cannot fail there.
  Facts facts_of(Place place, const Compute& compute) const {
    const Known known = {
        [&](FuncId callee) { return purity_.of(callee).may_fail; },
        [&](ValueId value) { return ranges_.at(value, {place.block}, place.index); }};
    std::vector<ExprId> fallible = fallible_nodes(module_, function_, compute, known);
    const double cost = cost_of(module_, function_, compute, !fallible.empty());
    return {std::move(fallible), cost};
  }
  /// Of an instruction, as a compute: found once, until it becomes another.
  const Facts& facts_at(Place place, const Compute& compute) {
    const auto known = facts_.find(place);
    return known != facts_.end() ? known->second
                                 : facts_.emplace(place, facts_of(place, compute)).first->second;
  }

  uint32_t size(const Inst& inst) const {
    return inst.op == Op::compute ? tree_size(exprs_, inst.get<Compute>()) : 0;
  }

  const Module& module_;
  Function& function_;
  Exprs& exprs_;
  PassContext& context_;
  const Purity& purity_;
  InstEffects effects_;
  const ValueRanges ranges_;
  std::map<Place, Facts> facts_;
  std::deque<ValueId> todo_;
  std::unordered_map<ValueId, std::set<Place>> users_;
  std::unordered_map<ValueId, std::set<Place>> taken_;  ///< by updates, which overwrite
  std::unordered_map<ValueId, Place> producers_;
  std::unordered_map<ValueId, Scalar> constants_;
  std::set<ValueId> removed_;
};

}  // namespace

void fuse(ir::Module& module, PassContext& context) {
  const Purity purity(module);
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) Fuse(module, function, purity, context).run();
  }
}

}  // namespace tenon::opt
