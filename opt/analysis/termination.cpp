#include "opt/analysis/termination.h"

#include <algorithm>

#include "ir/dominators.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// One natural loop: the header dominates its latches, from which edges lead back to it. (If every
/// such loop of a reducible graph ends, so does the function: of the loops that a walk for ever goes
/// around for ever, the outermost would never be left, yet it counts.)
class CountedLoop {
 public:
  CountedLoop(const Function& function, const Dominators& dominators,
              const std::vector<const Inst*>& definitions, const std::vector<BlockId>& places)
      : function_(function), dominators_(dominators), definitions_(definitions), places_(places) {}

  bool ends(BlockId header, const std::vector<uint32_t>& latches, const Graph& predecessors) {
    header_ = header;
    latches_ = &latches;
    collect_blocks(predecessors);
    return std::ranges::any_of(blocks_, [&](uint32_t block) { return leaves_by_counting({block}); });
  }

 private:
  void collect_blocks(const Graph& predecessors) {
    blocks_ = {header_.index};
    inside_.assign(function_.blocks.size(), false);
    inside_[header_.index] = true;
    std::vector<uint32_t> work = *latches_;
    while (!work.empty()) {
      const uint32_t block = work.back();
      work.pop_back();
      if (inside_[block]) continue;
      inside_[block] = true;
      blocks_.push_back(block);
      work.insert(work.end(), predecessors[block].begin(), predecessors[block].end());
    }
  }

  bool is_inside(BlockId block) const { return inside_[block.index]; }
  bool stays(ValueId value) const { return !is_inside(places_[value.index]); }
  const Inst* apply(ValueId value, ScalarOp op) const {
    const Inst* inst = definitions_[value.index];
    return inst && inst->op == Op::apply && inst->get<ScalarOp>() == op ? inst : nullptr;
  }

  /// Every round goes through `block`, which leaves the loop where a count reaches a bound.
  bool leaves_by_counting(BlockId block) const {
    const Inst& end = function_.block(block).insts.back();
    const bool each_round = std::ranges::all_of(
        *latches_, [&](uint32_t latch) { return dominators_.dominates(block, BlockId{latch}); });
    if (end.op != Op::branch || !each_round) return false;
    const auto& edges = end.get<std::vector<Edge>>();
    if (!is_inside(edges[0].target) || is_inside(edges[1].target)) return false;
    const ValueId goes_on = end.args[0];
    if (const Inst* lt = apply(goes_on, ScalarOp::lt))
      return counts(lt->args[0], lt->args[1], +1) || counts(lt->args[1], lt->args[0], -1);
    if (const Inst* gt = apply(goes_on, ScalarOp::gt))
      return counts(gt->args[0], gt->args[1], -1) || counts(gt->args[1], gt->args[0], +1);
    return false;
  }

  /// Whether `count` moves by `step` each round, and `bound` stays. What is compared may be the
  /// parameter or what it becomes.
  bool counts(ValueId count, ValueId bound, int64_t step) const {
    if (!stays(bound)) return false;
    const std::vector<ValueId>& params = function_.block(header_).params;
    for (size_t p = 0; p < params.size(); ++p) {
      const bool compared = params[p] == count || is_step(count, params[p], step);
      if (compared && is_counter(p, step)) return true;
    }
    return false;
  }
  bool is_counter(size_t param, int64_t step) const {
    const ValueId counter = function_.block(header_).params[param];
    for (uint32_t latch : *latches_) {
      for (const Edge& edge : successors(function_.blocks[latch])) {
        if (edge.target == header_ && !is_step(edge.args[param], counter, step)) return false;
      }
    }
    return true;
  }
  bool is_step(ValueId next, ValueId from, int64_t step) const {
    if (const Inst* add = apply(next, ScalarOp::add)) {
      return (add->args[0] == from && is_constant(add->args[1], step)) ||
             (add->args[1] == from && is_constant(add->args[0], step));
    }
    const Inst* sub = apply(next, ScalarOp::sub);
    return sub && sub->args[0] == from && is_constant(sub->args[1], -step);
  }
  bool is_constant(ValueId value, int64_t number) const {
    const Inst* inst = definitions_[value.index];
    return inst && inst->op == Op::constant && runtime::is_integer(inst->get<Scalar>().type) &&
           inst->get<Scalar>().i == number;
  }

  const Function& function_;
  const Dominators& dominators_;
  const std::vector<const Inst*>& definitions_;
  const std::vector<BlockId>& places_;
  BlockId header_;
  const std::vector<uint32_t>* latches_ = nullptr;
  std::vector<uint32_t> blocks_;
  std::vector<bool> inside_;
};

}  // namespace

Termination::Termination(const Function& function) {
  const Graph graph = control_flow(function);
  const std::vector<uint32_t> order = reverse_postorder(graph);
  const Dominators dominators(graph);
  std::vector<uint32_t> rank(graph.size());
  for (uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;

  const Graph predecessors = graph.reversed(order);
  std::vector<std::vector<uint32_t>> latches(graph.size());  // by header
  for (uint32_t block : order) {
    for (uint32_t next : graph[block]) {
      if (rank[next] > rank[block]) continue;
      if (dominators.dominates(next, block)) latches[next].push_back(block);
      else endless_.push_back({block});  // into a loop with several ways in: nothing is known
    }
  }
  std::vector<const Inst*> definitions(function.values.size());
  std::vector<BlockId> places(function.values.size(), BlockId{0});
  for (uint32_t b = 0; b < function.blocks.size(); ++b) {
    for (ValueId param : function.blocks[b].params) places[param.index] = {b};
    for (const Inst& inst : function.blocks[b].insts) {
      for (ValueId result : inst.results) {
        definitions[result.index] = &inst;
        places[result.index] = {b};
      }
    }
  }
  CountedLoop loop(function, dominators, definitions, places);
  for (uint32_t header : order) {
    if (latches[header].empty() || loop.ends({header}, latches[header], predecessors)) continue;
    for (uint32_t latch : latches[header]) endless_.push_back({latch});
  }
}

}  // namespace tenon::opt
