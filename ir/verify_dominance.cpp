// Paths are too many to follow, and loops have infinitely many. But "on every path from the entry
// lies the definition" is what it means that one block dominates another; so two places in the
// dominator tree decide (Cytron, Ferrante, Rosen, Wegman, Zadeck 1991).
//
// Values that go along an edge are used by the terminator, at the end of the block that they leave.
// So a join may be given what only one of its predecessors has: that is what block parameters are
// for.
#include "ir/verify_dominance.h"

#include <optional>

#include "ir/dominators.h"

namespace tenon::ir {
namespace {

// [snippet places]
/// A point of the function: at position 0 a block has its parameters, at i + 1 instruction i.
struct Place {
  uint32_t block;
  size_t position;
};

/// Where each value is defined. A function's parameters stand at the head of its entry.
std::vector<std::optional<Place>> definitions(const Function& function) {
  std::vector<std::optional<Place>> places(function.values.size());
  for (const ValueId param : function.params) places[param.index] = {0, 0};
  for (uint32_t b = 0; b < function.blocks.size(); ++b) {
    const Block& block = function.blocks[b];
    for (const ValueId param : block.params) places[param.index] = {b, 0};
    for (size_t i = 0; i < block.insts.size(); ++i)
      for (const ValueId result : block.insts[i].results) places[result.index] = {b, i + 1};
  }
  return places;
}
// [end]

/// Each block's place in the order in which the text form is read.
std::vector<uint32_t> reading_ranks(const Graph& graph) {
  const std::vector<uint32_t> order = definition_order(graph);
  std::vector<uint32_t> rank(graph.size());
  for (uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  return rank;
}

}  // namespace

std::vector<UndefinedUse> undefined_uses(const Function& function) {
  const std::vector<std::optional<Place>> places = definitions(function);
  const Graph graph = control_flow(function);
  const Dominators dominators(graph);
  const std::vector<uint32_t> rank = reading_ranks(graph);

  // [exercise dominance]
  // [starter] static_cast<void>(places), static_cast<void>(dominators), static_cast<void>(rank);
  // [starter] return {};
  const auto reaches = [&](const Place& definition, const Place& use) {
    if (definition.block == use.block) return definition.position < use.position;
    // What is never reached has no dominators; there a definition must be read before its uses.
    if (!dominators.reachable(use.block)) return rank[definition.block] < rank[use.block];
    return dominators.reachable(definition.block) &&
           dominators.dominates(definition.block, use.block);
  };
  std::vector<UndefinedUse> found;
  for (uint32_t b = 0; b < function.blocks.size(); ++b) {
    const std::vector<Inst>& insts = function.blocks[b].insts;
    for (size_t i = 0; i < insts.size(); ++i) {
      for_each_use(function, insts[i], [&](ValueId value) {
        const std::optional<Place>& definition = places[value.index];
        if (!definition || !reaches(*definition, {b, i + 1}))
          found.push_back({{b}, i, value, definition.has_value()});
      });
    }
  }
  return found;
  // [end]
}

}  // namespace tenon::ir
