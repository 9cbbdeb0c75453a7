// Dominators against their definition on random graphs.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "ir/dominators.h"

namespace tenon::tests {
namespace {

using ir::Dominators;
using ir::Graph;

/// What the entry reaches without going through `removed`.
std::vector<bool> reached_without(const Graph& graph, uint32_t removed) {
  std::vector<bool> reached(graph.size());
  std::vector<uint32_t> work;
  if (removed != 0) work.push_back(0);
  while (!work.empty()) {
    const uint32_t node = work.back();
    work.pop_back();
    if (reached[node]) continue;
    reached[node] = true;
    for (const uint32_t next : graph[node])
      if (next != removed) work.push_back(next);
  }
  return reached;
}

Graph random_graph(std::mt19937& random) {
  Graph graph(1 + random() % 12);
  for (auto& successors : graph)
    for (uint32_t count = random() % 3; count > 0; --count)
      successors.push_back(static_cast<uint32_t>(random() % graph.size()));
  return graph;
}

TEST_CASE("dominators are what their definition says, on random graphs") {
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    const Graph graph = random_graph(random);
    const Dominators dominators(graph);
    const std::vector<bool> reached = reached_without(graph, static_cast<uint32_t>(graph.size()));
    for (uint32_t a = 0; a < graph.size(); ++a) {
      CHECK(dominators.reachable(a) == reached[a]);
      if (!reached[a]) continue;
      const std::vector<bool> without = reached_without(graph, a);
      for (uint32_t b = 0; b < graph.size(); ++b)
        if (reached[b]) CHECK(dominators.dominates(a, b) == !without[b]);
    }
    for (uint32_t node = 1; node < graph.size(); ++node) {
      if (!reached[node]) continue;
      // The immediate dominator is dominated by every other strict one.
      const uint32_t immediate = dominators.immediate(node);
      CHECK(immediate != node);
      for (uint32_t other = 0; other < graph.size(); ++other)
        if (other != node && reached[other] && dominators.dominates(other, node))
          CHECK(dominators.dominates(other, immediate));
    }
  }
}

TEST_CASE("in definition order every node comes once, after its dominators") {
  std::mt19937 random(2);
  for (int round = 0; round < 1000; ++round) {
    const Graph graph = random_graph(random);
    const Dominators dominators(graph);
    const std::vector<uint32_t> order = ir::definition_order(graph);
    std::vector<uint32_t> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(sorted.size() == graph.size());
    for (uint32_t i = 0; i < sorted.size(); ++i) CHECK(sorted[i] == i);
    for (size_t i = 0; i < order.size(); ++i)
      for (size_t j = i + 1; j < order.size(); ++j)
        if (dominators.reachable(order[i]) && dominators.reachable(order[j]))
          CHECK_FALSE(dominators.dominates(order[j], order[i]));
  }
}

TEST_CASE("a long chain takes no deep recursion") {
  Graph graph(300'000);
  for (uint32_t i = 0; i + 1 < graph.size(); ++i) graph[i] = {i + 1};
  const Dominators dominators(graph);
  CHECK(dominators.dominates(0, 299'999));
  CHECK_FALSE(dominators.dominates(299'999, 0));
  CHECK(dominators.immediate(299'999) == 299'998);
}

}  // namespace
}  // namespace tenon::tests
