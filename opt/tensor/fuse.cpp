// fuse: puts the body of a compute where its elements are read, so that the tensor between the two
// is never made. In index notation that is substitution: `%h[s, t]` becomes h's body with s, t for
// its indices.
//
// When it pays. Unfused, each of E elements is computed once, stored, and loaded again by R reads;
// fused, it is computed R times and neither stored nor loaded. So a producer goes into its consumer
// if
//   - it only moves elements (reads, constants: a transpose, a broadcast): computing is the load;
//   or
//   - it is computed no more often than before (R <= E), has no other user, which would keep the
//     tensor alive anyway, and stands in the same block, so not outside a loop around the consumer.
// A producer that reduces must besides be read by exactly one plain element, outside reductions:
// then it becomes a matrix product with the rest of the formula behind it, and its loops stay what
// they were.
//
// When it may. A producer that may fail stays, as fewer elements might be computed, or later. So
// does one whose read may be out of range: that failure would be lost.
#include <algorithm>
#include <limits>
#include <set>

#include "ir/dominators.h"
#include "ir/ranges.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// How a consumer reads one producer.
struct Reads {
  double evaluations = 0;  ///< times that an element is read, at most; infinite if not known
  size_t places = 0;       ///< reads in the body; what is shared is computed once
  bool plain = true;       ///< all subscripts are distinct indices, outside reductions
};

class ReadCounter {
 public:
  ReadCounter(const Exprs& exprs, ValueId producer) : exprs_(exprs), producer_(producer) {}

  Reads count(const Compute& consumer) {
    double elements = 1;
    for (int64_t extent : consumer.extents) elements *= static_cast<double>(extent);
    walk(consumer.body, elements, false);
    return reads_;
  }

 private:
  void walk(ExprId id, double evaluations, bool in_reduction) {
    if (!seen_.emplace(id, evaluations).second) return;
    const Expr& node = exprs_[id];
    if (node.kind == ExprKind::read && node.value == producer_) {
      reads_.evaluations += evaluations;
      ++reads_.places;
      std::set<ExprId> distinct(node.args.begin(), node.args.end());
      const bool indices = std::ranges::all_of(
          node.args, [&](ExprId arg) { return exprs_[arg].kind == ExprKind::index; });
      reads_.plain =
          reads_.plain && !in_reduction && indices && distinct.size() == node.args.size();
    }
    const size_t bounds = node.kind == ExprKind::reduce ? node.args.size() - 1 : node.args.size();
    for (size_t i = 0; i < bounds; ++i) walk(node.args[i], evaluations, in_reduction);
    if (node.kind == ExprKind::reduce) {
      walk(node.reduce_body(), evaluations * turns(node), true);
    }
  }

  double turns(const Expr& reduce) const {
    double turns = 1;
    for (size_t i = 0; i < reduce.reduce_rank(); ++i) {
      const Expr& lo = exprs_[reduce.args[2 * i]];
      const Expr& hi = exprs_[reduce.args[2 * i + 1]];
      if (lo.kind != ExprKind::constant || hi.kind != ExprKind::constant) {
        return std::numeric_limits<double>::infinity();
      }
      turns *=
          std::max(0.0, static_cast<double>(hi.constant.i) - static_cast<double>(lo.constant.i));
    }
    return turns;
  }

  const Exprs& exprs_;
  ValueId producer_;
  Reads reads_;
  std::set<std::pair<ExprId, double>> seen_;
};

class Fuse {
 public:
  Fuse(const Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), exprs_(function.exprs), context_(context) {}

  void run() {
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      for (size_t i = 0; i < function_.blocks[b].insts.size(); ++i) {
        const Inst& inst = function_.blocks[b].insts[i];
        for_each_use(function_, inst, [&](ValueId value) { ++users_[value]; });
        if (inst.op == Op::compute && !inst.get<Compute>().extents.empty()) {
          producers_[inst.result()] = {{b}, i};
        }
      }
    }
    // Producers before consumers: what is put somewhere is complete.
    for (uint32_t b : reverse_postorder(control_flow(function_))) {
      for (Inst& inst : function_.blocks[b].insts) {
        if (inst.op == Op::compute) fuse_into(inst, {b});
      }
    }
    for (Block& block : function_.blocks) {
      std::erase_if(block.insts,
                    [&](const Inst& inst) { return removed_.contains(inst.result()); });
    }
  }

 private:
  struct Place {
    BlockId block;
    size_t index;
  };

  void fuse_into(Inst& consumer, BlockId block) {
    std::set<ValueId> looked_at;
    std::vector<ExprId> fallible = fallible_nodes(module_, function_, consumer.get<Compute>());
    for (bool again = true; again;) {
      again = false;
      std::vector<ValueId> read;
      for_each_node(exprs_, consumer.get<Compute>().body, [&](ExprId id) {
        if (exprs_[id].kind == ExprKind::read) read.push_back(exprs_[id].value);
      });
      for (ValueId producer : read) {
        if (!producers_.contains(producer) || !looked_at.insert(producer).second) continue;
        if (try_fuse(producer, consumer, block, fallible)) {
          again = true;
          break;  // its body reads others
        }
      }
    }
    if (fallible.empty()) infallible_.insert(consumer.result());
  }

  bool try_fuse(ValueId value, Inst& inst, BlockId block, std::vector<ExprId>& fallible) {
    const Place place = producers_.at(value);
    const Compute& producer = function_.block(place.block).insts[place.index].get<Compute>();
    Compute& consumer = inst.get<Compute>();
    if (exprs_[consumer.body].tree_size > kMaxTreeSize || !infallible_.contains(value))
      return false;
    const auto reads_it = [&](ExprId id) { return exprs_[id].value == value; };
    if (std::ranges::any_of(fallible, reads_it)) return false;
    if (!pays(value, producer, consumer, place.block == block)) return false;

    const Compute fused = substituted(value, producer, consumer);
    if (exprs_[fused.body].tree_size > kMaxTreeSize) return false;
    // Ranges may be harder to see in the longer formula; a check that was not needed stays away.
    std::vector<ExprId> now_fallible = fallible_nodes(module_, function_, fused);
    if (now_fallible.size() > fallible.size()) return false;
    if (!context_.may_rewrite("producer into consumer")) return false;
    for_each_use(function_, inst, [&](ValueId used) { --users_[used]; });
    consumer = fused;
    fallible = std::move(now_fallible);
    for_each_use(function_, inst, [&](ValueId used) { ++users_[used]; });
    remove_if_unused(value);
    return true;
  }

  bool pays(ValueId value, const Compute& producer, const Compute& consumer, bool same_block) {
    bool reduces = false, only_moves = true;
    for_each_node(exprs_, producer.body,
                  [&](ExprId id) { reduces |= exprs_[id].kind == ExprKind::reduce; });
    only_moves = exprs_[producer.body].kind == ExprKind::read ||
                 exprs_[producer.body].kind == ExprKind::constant ||
                 exprs_[producer.body].kind == ExprKind::value;
    if (only_moves) return !reduces;
    if (!same_block || users_[value] != 1) return false;
    const Reads reads = ReadCounter(exprs_, value).count(consumer);
    double elements = 1;
    for (int64_t extent : producer.extents) elements *= static_cast<double>(extent);
    if (reads.evaluations > elements) return false;
    return !reduces || (reads.places == 1 && reads.plain);
  }

  /// The consumer with the producer's body for each read of it. Sites move along with their nodes.
  Compute substituted(ValueId value, const Compute& producer, const Compute& consumer) {
    // A producer that reduces is read outside reductions, so under just the consumer's own indices.
    const int shift =
        static_cast<int>(consumer.extents.size()) - static_cast<int>(producer.extents.size());
    std::unordered_map<ExprId, ExprId> now;
    for_each_node(exprs_, consumer.body, [&](ExprId id) {
      std::vector<ExprId> args = exprs_[id].args;
      for (ExprId& arg : args) arg = now.at(arg);
      const bool is_read = exprs_[id].kind == ExprKind::read && exprs_[id].value == value;
      now[id] = is_read ? substitute(exprs_, producer.body, args, shift)
                        : exprs_.with_args(id, std::move(args));
    });
    Compute fused = {consumer.extents, now.at(consumer.body), consumer.sites};
    for (auto& [id, span] : fused.sites) {
      if (const auto found = now.find(id); found != now.end()) id = found->second;
    }
    return fused;
  }

  void remove_if_unused(ValueId value) {
    if (users_[value] != 0) return;
    const Place place = producers_.at(value);
    for_each_use(function_, function_.block(place.block).insts[place.index],
                 [&](ValueId used) { --users_[used]; });
    removed_.insert(value);
  }

  const Module& module_;
  Function& function_;
  Exprs& exprs_;
  PassContext& context_;
  std::unordered_map<ValueId, int> users_;  ///< uses by instructions, each read in a body one
  std::unordered_map<ValueId, Place> producers_;
  std::set<ValueId> infallible_, removed_;
};

}  // namespace

void fuse(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    if (!has_owners(function)) Fuse(module, function, context).run();
  }
}

}  // namespace tenon::opt
