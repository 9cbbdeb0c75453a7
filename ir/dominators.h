// Control flow graphs and dominators. A node dominates another if every path from the entry to the
// other goes through it; so a value may be used just where its definition dominates.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/graph.h"
#include "ir/ir.h"

namespace tenon::ir {

/// Where a block goes on: the edges of its terminator (none for `ret`, or without a terminator).
const std::vector<Edge>& successors(const Block& block);
/// Blocks as nodes; node 0 is the entry.
Graph control_flow(const Function& function);

/// The nodes that a walk from the entry reaches, each before its successors except along the edges
/// that close loops.
std::vector<uint32_t> reverse_postorder(const Graph& graph);

/// Every node once, each after all that dominate it: first what the entry reaches, then the rest,
/// roots of unreachable regions first. The text form is read in this order.
std::vector<uint32_t> definition_order(const Graph& graph);

class Dominators {
 public:
  explicit Dominators(const Graph& graph);

  bool reachable(uint32_t node) const { return size_[node] > 0; }
  /// The closest other node that dominates `node`; the entry's is itself. Reachable nodes only.
  uint32_t immediate(uint32_t node) const { return immediate_[node]; }
  /// Every node dominates itself. Reachable nodes only.
  bool dominates(uint32_t a, uint32_t b) const {
    return first_[a] <= first_[b] && first_[b] < first_[a] + size_[a];
  }
  bool dominates(BlockId a, BlockId b) const { return dominates(a.index, b.index); }

 private:
  void number(const std::vector<uint32_t>& order);

  std::vector<uint32_t> immediate_;
  /// The dominator tree in preorder: below `a` are first_[a] … first_[a] + size_[a] - 1.
  std::vector<uint32_t> first_, size_;
};

}  // namespace tenon::ir
