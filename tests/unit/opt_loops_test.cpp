// Natural loops against their definition on random graphs, and their parts by name.
#include "opt/analysis/loops.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

using ir::BlockId;
using opt::FlowEdge;
using opt::LoopId;
using opt::Loops;
using Blocks = std::set<uint32_t>;

/// A function with up to two random ways out of each block.
ir::Function random_function(std::mt19937& random) {
  ir::Function function;
  const uint32_t count = 1 + random() % 12;
  for (uint32_t b = 0; b < count; ++b) function.add_block("b");
  for (ir::Block& block : function.blocks) {
    std::vector<ir::Edge> edges(random() % 3);
    for (ir::Edge& edge : edges) edge.target = {static_cast<uint32_t>(random() % count)};
    constexpr ir::Op kEnds[] = {ir::Op::ret, ir::Op::jump, ir::Op::branch};
    block.insts = {{kEnds[edges.size()], {}, {}, edges, {}}};
  }
  return function;
}

/// What reaches the edges that lead back to `header` without passing it; empty if none does.
Blocks by_definition(const ir::Graph& graph, const ir::Dominators& dominators, uint32_t header) {
  Blocks found;
  for (uint32_t latch = 0; latch < graph.size(); ++latch) {
    const bool back = std::ranges::find(graph[latch], header) != graph[latch].end();
    if (!back || !dominators.reachable(latch) || !dominators.dominates(header, latch)) continue;
    found.insert({header, latch});
  }
  for (bool again = true; again;) {
    again = false;
    for (uint32_t block = 0; block < graph.size(); ++block) {
      if (!dominators.reachable(block)) continue;
      for (uint32_t to : graph[block])
        if (to != header && found.contains(to)) again = found.insert(block).second || again;
    }
  }
  return found;
}

/// Whether circles are left without the edges that lead back to a dominator.
bool is_reducible(const ir::Graph& graph, const ir::Dominators& dominators) {
  std::vector<ir::Arc> arcs;
  for (uint32_t block = 0; block < graph.size(); ++block) {
    for (uint32_t to : graph[block])
      if (dominators.reachable(block) && !dominators.dominates(to, block))
        arcs.push_back({block, to});
  }
  const ir::Graph forward(graph.size(), arcs);
  const std::vector<uint32_t> order = ir::reverse_postorder(forward);
  std::vector<size_t> place(graph.size());
  for (size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  for (uint32_t block : order)
    for (uint32_t to : forward[block])
      if (place[to] <= place[block]) return false;
  return true;
}

TEST_CASE("loops are what their definition says, on random graphs") {
  std::mt19937 random(4);
  size_t nested = 0, irreducible = 0;
  for (int round = 0; round < 9000; ++round) {
    const ir::Function function = random_function(random);
    const Loops loops(function);
    const ir::Graph& graph = loops.graph();
    std::map<uint32_t, Blocks> expected;
    for (uint32_t header = 0; header < graph.size(); ++header) {
      Blocks blocks = by_definition(graph, loops.dominators(), header);
      if (!blocks.empty()) expected[header] = std::move(blocks);
    }
    REQUIRE(loops.all().size() == expected.size());
    for (uint32_t l = 0; l < expected.size(); ++l) {
      const opt::Loop& loop = loops[{l}];
      const Blocks& blocks = expected.at(loop.header.index);
      Blocks found;
      for (BlockId block : loops.blocks({l})) found.insert(block.index);
      CHECK(found == blocks);
      CHECK(loops.blocks({l})[0] == loop.header);
      CHECK(loop.own[0] == loop.header);
      for (FlowEdge exit : loops.exits({l})) {
        CHECK(blocks.contains(exit.from.index));
        CHECK_FALSE(blocks.contains(exit.to.index));
      }
      for (BlockId entry : loop.entries) CHECK_FALSE(blocks.contains(entry.index));
      for (BlockId latch : loop.latches) CHECK(blocks.contains(latch.index));
      if (loop.parent) {
        ++nested;
        CHECK(loop.parent.index > l);
        CHECK(loop.depth == loops[loop.parent].depth + 1);
        CHECK(loops.contains(loop.parent, LoopId{l}));
        CHECK_FALSE(loops.contains(LoopId{l}, loop.parent));
      }
    }
    for (uint32_t block = 0; block < graph.size(); ++block) {
      // The innermost is the smallest around it.
      size_t smallest = 0;
      for (const auto& [header, blocks] : expected) {
        if (blocks.contains(block) && (smallest == 0 || blocks.size() < smallest))
          smallest = blocks.size();
      }
      const LoopId around = loops.around({block});
      CHECK((around ? loops.blocks(around).size() : 0) == smallest);
    }
    irreducible += loops.irreducible().empty() ? 0 : 1;
    CHECK(loops.irreducible().empty() == is_reducible(graph, loops.dominators()));
  }
  CHECK(nested > 100);
  CHECK(irreducible > 20);
}

TEST_CASE("the parts of a loop") {
  const ir::Module module = valid_ir(R"(func @f(%n: i64, %c: bool) {
entry:
  %zero = const 0
  jump loop(%zero)
loop(%i: i64):
  %more = lt %i, %n
  branch %more, body, done
body:
  branch %c, leave, step
leave:
  ret
step:
  %one = const 1
  %next = add %i, %one
  jump loop(%next)
done:
  ret
}
)");
  const ir::Function& function = module.functions[0];
  const Loops loops(function);
  REQUIRE(loops.all().size() == 1);
  const auto name = [&](BlockId block) { return block ? function.block(block).name : "none"; };
  const opt::Loop& loop = loops[{0}];
  CHECK(name(loop.preheader) == "entry");
  CHECK(name(loop.header) == "loop");
  REQUIRE(loop.latches.size() == 1);
  CHECK(name(loop.latches[0]) == "step");
  std::string exits;
  for (FlowEdge exit : loops.exits({0})) exits += name(exit.from) + "-" + name(exit.to) + " ";
  CHECK(exits == "loop-done body-leave ");
}

TEST_CASE("a circle with two ways in is no loop") {
  const ir::Module module = valid_ir(R"(func @f(%c: bool) {
entry:
  branch %c, left, right
left:
  jump right
right:
  jump left
}
)");
  const Loops loops(module.functions[0]);
  CHECK(loops.all().empty());
  REQUIRE(loops.irreducible().size() == 1);
}

}  // namespace
}  // namespace tenon::tests
