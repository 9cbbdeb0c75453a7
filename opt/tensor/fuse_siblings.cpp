// fuse_siblings: computes over one domain that read the same tensors become one instruction with a
// result for each: what both read is loaded once, and reductions over the same range share their
// loop (the maximum and the sum of a row in one walk over it).
//
//   %a = compute [i: 64] { max[j: 64](%x[i, j]) }
//   %b = compute [i: 64] { sum[j: 64](%x[i, j]) }
//     =>  %a, %b = compute [i: 64] { max[j: 64](%x[i, j]), sum[j: 64](%x[i, j]) }
//
// So does a producer that is needed besides with a consumer that reads it point by point: its value
// is at hand, and is not loaded. (Horizontal fusion; XLA has both as multi-output fusion.)
//
// When it pays: where the joined kernel costs less than the two by opt/tensor/cost.h. Matrix products and convolutions stay apart: the loops of each are blocked for it.
//
// When it may: at most one carries a schedule, which then is that of both; no schedule wants either computed by who reads it; neither can fail, as elements of the second would be evaluated before the first is
// complete; both stand in one block, and either the second's operands are there where the first
// stands, or nothing between the two uses the first nor overwrites what it reads.
#include <algorithm>
#include <map>
#include <set>

#include "opt/analysis/contraction.h"
#include "opt/analysis/purity.h"
#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/tensor/at.h"
#include "opt/tensor/cost.h"
#include "opt/tensor/inlined.h"
#include "opt/tensor/reads.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// More results at once would run out of registers.
constexpr size_t kMaxBodies = 4;

class FuseSiblings {
 public:
  FuseSiblings(const Module& module, Function& function, const Purity& purity,
               PassContext& context)
      : module_(module),
        function_(function),
        context_(context),
        effects_(module, function, purity),
        told_(told_producers(function)) {}

  void run() {
    for (Block& block : function_.blocks) run(block);
  }

 private:
  using Places = std::unordered_map<ValueId, std::set<size_t>>;

  void run(Block& block) {
    block_ = &block;
    defined_.clear();
    used_.clear();
    overwritten_.clear();
    last_.clear();
    joined_.assign(block.insts.size(), false);
    for (size_t i = 0; i < block.insts.size(); ++i) note(i);
    for (size_t i = 0; i < block.insts.size(); ++i) {
      if (!may_join(i)) continue;
      for (ValueId tensor : tensors_read(i)) {
        const auto producer = defined_.find(tensor);
        if (producer != defined_.end() && is_over(producer->second, compute(i).extents) &&
            try_join(producer->second, i))
          break;
        const auto sibling = last_.find({compute(i).extents, tensor});
        if (sibling != last_.end() && try_join(sibling->second, i)) break;
      }
      if (joined_[i]) continue;
      for (ValueId tensor : tensors_read(i)) last_[{compute(i).extents, tensor}] = i;
    }
    size_t next = 0;
    std::erase_if(block.insts, [&](const Inst&) { return joined_[next++]; });
  }

  const Inst& inst(size_t i) const { return block_->insts[i]; }
  const Compute& compute(size_t i) const { return inst(i).get<Compute>(); }

  void note(size_t i) {
    for (ValueId result : inst(i).results) defined_[result] = i;
    for_each_use(function_, inst(i), [&](ValueId value) { used_[value].insert(i); });
    if (inst(i).op == Op::update) overwritten_[inst(i).args[0]].insert(i);
  }

  bool may_join(size_t i) const {
    if (inst(i).op != Op::compute || effects_.may_fail(inst(i)) || told_.contains(inst(i).result())) return false;
    return !has_reuse(function_.exprs, compute(i).bodies);
  }

  std::vector<ValueId> tensors_read(size_t i) const {
    std::vector<ValueId> tensors;
    for_each_node(function_.exprs, compute(i).bodies, [&](ExprId id) {
      if (function_.exprs[id].kind == ExprKind::read) tensors.push_back(function_.exprs[id].value);
    });
    std::ranges::sort(tensors);
    tensors.erase(std::unique(tensors.begin(), tensors.end()), tensors.end());
    return tensors;
  }

  bool is_over(size_t i, const Shape& domain) const {
    return inst(i).op == Op::compute && compute(i).extents == domain && may_join(i);
  }

  /// The bodies of both; in the second's, what it reads of the first is computed. Nothing if it reads
  /// that elsewhere than at its own point.
  std::optional<Compute> joined(size_t first, size_t second) {
    Compute consumer = compute(second);
    for (size_t k = 0; k < inst(first).results.size(); ++k) {
      const ValueId value = inst(first).results[k];
      if (!reads_own_point(function_.exprs, value, consumer) || names(consumer, value)) return {};
      const Compute producer{consumer.extents, {compute(first).bodies[k]}, {}};
      consumer = inlined(function_.exprs, value, producer, consumer);
    }
    if (compute(first).schedule && consumer.schedule) return {};
    Compute both = compute(first);
    if (!names_first(first, second)) {
      both.indices = consumer.indices;
      both.schedule = consumer.schedule;
    }
    both.bodies.insert(both.bodies.end(), consumer.bodies.begin(), consumer.bodies.end());
    return both;
  }

  /// Whether the joined compute goes by the first's definition: it has a schedule, or the second none
  /// that it belongs to.
  bool names_first(size_t first, size_t second) const {
    return compute(first).schedule || (!compute(second).schedule && inst(second).path.empty());
  }

  /// Whether it uses a scalar that the first defines: that is known only when the first is done.
  bool names(const Compute& compute, ValueId scalar) const {
    bool found = false;
    for_each_node(function_.exprs, compute.bodies, [&](ExprId id) {
      const Expr& node = function_.exprs[id];
      found |= node.kind == ExprKind::value && node.value == scalar;
    });
    return found;
  }

  // [snippet join]
  bool try_join(size_t first, size_t second) {
    std::optional<Compute> both = joined(first, second);
    if (!both || both->bodies.size() > kMaxBodies || size(*both) > kMaxTreeSize) return false;
    const bool at_first = operands_before(second, first), at_second = can_wait(first, second);
    if (!at_first && !at_second) return false;
    const double apart = cost_of(module_, function_, compute(first)) +
                         cost_of(module_, function_, compute(second));
    if (cost_of(module_, function_, *both) >= apart) return false;
    // [end]
    if (!context_.may_rewrite("siblings joined")) return false;

    Inst joined = inst(first);
    joined.results.insert(joined.results.end(), inst(second).results.begin(),
                          inst(second).results.end());
    joined.attribute = std::move(*both);
    if (!names_first(first, second)) joined.path = inst(second).path;
    joined.unchecked = joined.unchecked && inst(second).unchecked;
    const size_t kept = at_first ? first : second;
    block_->insts[kept] = std::move(joined);
    joined_[at_first ? second : first] = true;
    note(kept);
    for (ValueId tensor : tensors_read(kept)) last_[{compute(kept).extents, tensor}] = kept;
    return true;
  }

  uint32_t size(const Compute& compute) const {
    uint32_t size = 0;
    for (ExprId body : compute.bodies) size = std::max(size, function_.exprs[body].tree_size);
    return size;
  }

  /// Whether all that `i` uses is defined where `place` stands, or by it.
  bool operands_before(size_t i, size_t place) const {
    bool before = true;
    for_each_use(function_, inst(i), [&](ValueId value) {
      const auto found = defined_.find(value);
      before &= found == defined_.end() || found->second <= place;
    });
    return before;
  }

  /// Whether `first` may as well be computed at `second`.
  bool can_wait(size_t first, size_t second) const {
    const auto between = [&](const Places& places, ValueId value) {
      const auto found = places.find(value);
      if (found == places.end()) return false;
      const auto next = found->second.upper_bound(first);
      return next != found->second.end() && *next < second;
    };
    const std::vector<ValueId> read = tensors_read(first);
    return std::ranges::none_of(inst(first).results, [&](ValueId v) { return between(used_, v); }) &&
           std::ranges::none_of(read, [&](ValueId v) { return between(overwritten_, v); });
  }

  const Module& module_;
  Function& function_;
  PassContext& context_;
  InstEffects effects_;
  std::set<ValueId> told_;  ///< to be computed by who reads them (at.h)
  Block* block_ = nullptr;
  std::vector<bool> joined_;  ///< by instruction: it has become part of another
  std::unordered_map<ValueId, size_t> defined_;       ///< in this block
  Places used_, overwritten_;                         ///< likewise; by updates
  std::map<std::pair<Shape, ValueId>, size_t> last_;  ///< compute over a domain that reads it
};

}  // namespace

void fuse_siblings(ir::Module& module, PassContext& context) {
  const Purity purity(module);
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) FuseSiblings(module, function, purity, context).run();
  }
}

}  // namespace tenon::opt
