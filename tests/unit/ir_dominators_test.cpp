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
  const auto nodes = static_cast<uint32_t>(1 + random() % 12);
  std::vector<ir::Arc> arcs;
  for (uint32_t node = 0; node < nodes; ++node)
    for (uint32_t count = random() % 3; count > 0; --count)
      arcs.push_back({node, static_cast<uint32_t>(random() % nodes)});
  return Graph(nodes, arcs);
}

TEST_CASE("a graph keeps the arcs of each node in the order given") {
  const std::vector<ir::Arc> arcs = {{2, 0}, {0, 2}, {2, 2}, {0, 1}, {2, 0}};
  const Graph graph(4, arcs);
  const auto row = [](const Graph& of, uint32_t node) {
    return std::vector<uint32_t>(of[node].begin(), of[node].end());
  };
  CHECK(row(graph, 0) == std::vector<uint32_t>{2, 1});
  CHECK(row(graph, 1).empty());
  CHECK(row(graph, 2) == std::vector<uint32_t>{0, 2, 0});
  CHECK(row(graph, 3).empty());
  const std::vector<uint32_t> order = {2, 0};
  const Graph back = graph.reversed(order);
  CHECK(back.size() == 4);
  CHECK(row(back, 0) == std::vector<uint32_t>{2, 2});
  CHECK(row(back, 1) == std::vector<uint32_t>{0});
  CHECK(row(back, 2) == std::vector<uint32_t>{2, 0});
  CHECK(Graph().empty());
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
  std::vector<ir::Arc> arcs;
  for (uint32_t i = 0; i + 1 < 300'000; ++i) arcs.push_back({i, i + 1});
  const Graph graph(300'000, arcs);
  const Dominators dominators(graph);
  CHECK(dominators.dominates(0, 299'999));
  CHECK_FALSE(dominators.dominates(299'999, 0));
  CHECK(dominators.immediate(299'999) == 299'998);
}

}  // namespace
}  // namespace tenon::tests
