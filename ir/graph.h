// Graphs of numbered nodes, for whatever is walked: blocks of a function, functions of a module.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace tenon::ir {

struct Arc {
  uint32_t from, to;
};

/// The arcs of all nodes lie in one array, those of a node side by side (compressed sparse rows). A
/// vector per node would be shorter to write; but passes build a graph, walk it once and drop it,
/// and in large functions allocating those vectors took longer than the passes.
// [snippet graph]
class Graph {
 public:
  /// Nodes are 0 … nodes - 1, and the arcs between them. A node keeps its arcs in the order given.
  explicit Graph(size_t nodes = 0, std::span<const Arc> arcs = {});

  size_t size() const { return first_.size() - 1; }
  bool empty() const { return size() == 0; }
  /// Where the arcs of `node` lead.
  std::span<const uint32_t> operator[](size_t node) const {
    return std::span(to_).subspan(first_[node], first_[node + 1] - first_[node]);
  }
  /// The arcs of `nodes`, each once, turned around: of every node its predecessors, in their order.
  Graph reversed(std::span<const uint32_t> nodes) const;

 private:
  std::vector<uint32_t> first_;  ///< by node, its first in `to_`; and one more, the end
  std::vector<uint32_t> to_;
};
// [end]

}  // namespace tenon::ir
