// Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm" (2001).
#include "ir/dominators.h"

#include <algorithm>

namespace tenon::ir {
namespace {

constexpr uint32_t kUnknown = 0xffffffff;

/// Appends what is reached from `root` in postorder. The stack is explicit: graphs are as deep as
/// functions are long.
void postorder_from(const Graph& graph, uint32_t root, std::vector<bool>& seen,
                    std::vector<uint32_t>& order) {
  // [exercise order]
  // [starter] static_cast<void>(graph), seen[root] = true;
  // [starter] order.push_back(root);
  struct Visit {
    uint32_t node;
    size_t next = 0;  // successor
  };
  std::vector<Visit> stack = {{root}};
  seen[root] = true;
  while (!stack.empty()) {
    const uint32_t node = stack.back().node;
    if (stack.back().next == graph[node].size()) {
      order.push_back(node);
      stack.pop_back();
      continue;
    }
    const uint32_t successor = graph[node][stack.back().next++];
    if (!seen[successor]) {
      seen[successor] = true;
      stack.push_back({successor});
    }
  }
  // [end]
}

}  // namespace

const std::vector<Edge>& successors(const Block& block) {
  static const std::vector<Edge> none;
  if (block.insts.empty()) return none;
  const auto* edges = std::get_if<std::vector<Edge>>(&block.insts.back().attribute);
  return edges == nullptr ? none : *edges;
}

Graph control_flow(const Function& function) {
  std::vector<Arc> arcs;
  for (uint32_t i = 0; i < function.blocks.size(); ++i)
    for (const Edge& edge : successors(function.blocks[i])) arcs.push_back({i, edge.target.index});
  return Graph(function.blocks.size(), arcs);
}

// [snippet reverse-postorder]
std::vector<uint32_t> reverse_postorder(const Graph& graph) {
  std::vector<uint32_t> order;
  std::vector<bool> seen(graph.size());
  if (!graph.empty()) postorder_from(graph, 0, seen, order);
  std::reverse(order.begin(), order.end());
  return order;
}
// [end]

std::vector<uint32_t> definition_order(const Graph& graph) {
  std::vector<uint32_t> order = reverse_postorder(graph);
  std::vector<bool> seen(graph.size());
  for (const uint32_t node : order) seen[node] = true;
  // One postorder over all that is left: a root found later may reach those found before, never the
  // other way round, so that reversed as a whole it stands in front of them.
  std::vector<uint32_t> rest;
  for (uint32_t node = 0; node < graph.size(); ++node)
    if (!seen[node]) postorder_from(graph, node, seen, rest);
  order.insert(order.end(), rest.rbegin(), rest.rend());
  return order;
}

// [snippet dominators]
Dominators::Dominators(const Graph& graph) {
  const std::vector<uint32_t> order = reverse_postorder(graph);
  std::vector<uint32_t> rank(graph.size(), kUnknown);  // place in `order`
  for (uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  const Graph predecessors = graph.reversed(order);

  immediate_.assign(graph.size(), kUnknown);
  if (!order.empty()) immediate_[0] = 0;
  // [exercise dominators]
  // [starter] for (const uint32_t node : order) immediate_[node] = 0;
  // The closest node that dominates both: of two, the one later in `order` cannot dominate the
  // other.
  auto common = [&](uint32_t a, uint32_t b) {
    while (a != b) {
      while (rank[a] > rank[b]) a = immediate_[a];
      while (rank[b] > rank[a]) b = immediate_[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const uint32_t node : order) {
      if (node == 0) continue;
      uint32_t meet = kUnknown;
      for (const uint32_t p : predecessors[node]) {
        if (immediate_[p] == kUnknown)
          continue;  // not yet visited: along an edge that closes a loop
        meet = meet == kUnknown ? p : common(meet, p);
      }
      changed |= immediate_[node] != meet;
      immediate_[node] = meet;
    }
  }
  // [end]
  number(order);
}
// [end]

// [snippet number]
/// Preorder numbers without a walk: `order` lists every node after its immediate dominator.
void Dominators::number(const std::vector<uint32_t>& order) {
  first_.assign(immediate_.size(), 0);
  size_.assign(immediate_.size(), 0);
  for (auto node = order.rbegin(); node != order.rend(); ++node) {
    ++size_[*node];
    if (*node != 0) size_[immediate_[*node]] += size_[*node];
  }
  std::vector<uint32_t> next(immediate_.size());  // the number of a node's next child
  for (const uint32_t node : order) {
    if (node != 0) {
      const uint32_t parent = immediate_[node];
      first_[node] = next[parent];
      next[parent] += size_[node];
    }
    next[node] = first_[node] + 1;
  }
}
// [end]

}  // namespace tenon::ir
