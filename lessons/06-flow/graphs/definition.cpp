#include "lessons/06-flow/graphs/definition.h"

#include <fmt/format.h>

namespace tenon::lessons {
namespace {

using ir::Graph;

/// What `from` reaches without going through `removed`.
std::vector<bool> reached(const Graph& graph, uint32_t from, uint32_t removed) {
  std::vector<bool> seen(graph.size());
  std::vector<uint32_t> work;
  if (from < graph.size() && from != removed) work.push_back(from);
  while (!work.empty()) {
    const uint32_t node = work.back();
    work.pop_back();
    if (seen[node]) continue;
    seen[node] = true;
    for (const uint32_t next : graph[node])
      if (next != removed) work.push_back(next);
  }
  return seen;
}

std::vector<bool> reached(const Graph& graph, uint32_t from) {
  return reached(graph, from, static_cast<uint32_t>(graph.size()));
}

}  // namespace

// [snippet definition]
Definition::Definition(const Graph& graph) : reached_(reached(graph, 0)) {
  for (uint32_t node = 0; node < graph.size(); ++node)
    reached_without_.push_back(reached(graph, 0, node));
}
// [end]

uint32_t Definition::immediate(uint32_t node) const {
  if (node == 0) return 0;
  const auto nodes = static_cast<uint32_t>(reached_.size());
  for (uint32_t a = 0; a < nodes; ++a) {
    if (a == node || !reached_[a] || !dominates(a, node)) continue;
    bool is_last = true;
    for (uint32_t b = 0; b < nodes; ++b)
      is_last &= b == node || !reached_[b] || !dominates(b, node) || dominates(b, a);
    if (is_last) return a;
  }
  return 0;
}

std::string dominators_error(const Graph& graph) {
  const Definition definition(graph);
  const ir::Dominators found(graph);
  for (uint32_t node = 0; node < graph.size(); ++node) {
    if (found.reachable(node) != definition.reachable(node)) {
      return fmt::format("node {} is {}reachable", node, definition.reachable(node) ? "" : "not ");
    }
    if (!definition.reachable(node)) continue;
    if (found.immediate(node) != definition.immediate(node)) {
      return fmt::format("the immediate dominator of node {} is {}, not {}", node,
                         definition.immediate(node), found.immediate(node));
    }
  }
  for (uint32_t a = 0; a < graph.size(); ++a) {
    for (uint32_t b = 0; b < graph.size(); ++b) {
      if (!definition.reachable(a) || !definition.reachable(b)) continue;
      if (found.dominates(a, b) != definition.dominates(a, b)) {
        return fmt::format("node {} {} node {}", a,
                           definition.dominates(a, b) ? "dominates" : "does not dominate", b);
      }
    }
  }
  return {};
}

/// An edge may lead back only if it closes a loop: from where it leads, one comes to where it
/// begins.
std::string order_error(const Graph& graph) {
  const std::vector<bool> reachable = reached(graph, 0);
  const std::vector<uint32_t> order = ir::reverse_postorder(graph);
  std::vector<size_t> place(graph.size(), order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] >= graph.size()) return fmt::format("there is no node {}", order[i]);
    if (place[order[i]] != order.size()) return fmt::format("node {} comes twice", order[i]);
    place[order[i]] = i;
  }
  for (uint32_t node = 0; node < graph.size(); ++node) {
    const bool is_there = place[node] != order.size();
    if (is_there != reachable[node]) {
      return fmt::format("node {} is {}reachable, and is {}there", node,
                         reachable[node] ? "" : "not ", is_there ? "" : "not ");
    }
  }
  if (!order.empty() && order[0] != 0) return "the entry is not first";
  for (const uint32_t node : order) {
    for (const uint32_t next : graph[node]) {
      if (place[next] <= place[node] && !reached(graph, next)[node]) {
        return fmt::format("node {} comes before node {}, from which an edge leads to it", next,
                           node);
      }
    }
  }
  return {};
}

Graph random_graph(uint64_t seed, uint32_t most) {
  uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  const auto below = [&](uint64_t n) {  // SplitMix64
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % n;
  };
  const auto nodes = static_cast<uint32_t>(1 + below(most));
  std::vector<ir::Arc> arcs;
  for (uint32_t node = 0; node < nodes; ++node)
    for (uint64_t count = below(3); count > 0; --count)
      arcs.push_back({node, static_cast<uint32_t>(below(nodes))});
  return Graph(nodes, arcs);
}

std::string text(const Graph& graph) {
  std::string result;
  for (size_t node = 0; node < graph.size(); ++node) {
    result += fmt::format("{}{}", node == 0 ? "" : "; ", node);
    if (!graph[node].empty()) result += fmt::format(" -> {}", fmt::join(graph[node], ", "));
  }
  return result;
}

}  // namespace tenon::lessons
