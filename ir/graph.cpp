#include "ir/graph.h"

#include <numeric>

namespace tenon::ir {

// A counting sort by the node that an arc comes from.
Graph::Graph(size_t nodes, std::span<const Arc> arcs) : first_(nodes + 1), to_(arcs.size()) {
  for (const Arc& arc : arcs) ++first_[arc.from + 1];
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  std::vector<uint32_t> next(first_.begin(), first_.end() - 1);
  for (const Arc& arc : arcs) to_[next[arc.from]++] = arc.to;
}

Graph Graph::reversed(std::span<const uint32_t> nodes) const {
  std::vector<Arc> arcs;
  arcs.reserve(to_.size());
  for (const uint32_t node : nodes)
    for (const uint32_t to : (*this)[node]) arcs.push_back({to, node});
  return Graph(size(), arcs);
}

}  // namespace tenon::ir
