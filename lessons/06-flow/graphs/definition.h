// What dominators and a reverse postorder are, said so plainly that it cannot be wrong, and random
// graphs to compare with it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "ir/dominators.h"

namespace tenon::lessons {

/// Node `a` dominates `b` if every path from node 0 to `b` goes through `a`: without `a` there is
/// none.
class Definition {
 public:
  explicit Definition(const ir::Graph& graph);

  bool reachable(uint32_t node) const { return reached_[node]; }
  /// Of reachable nodes.
  bool dominates(uint32_t a, uint32_t b) const { return a == b || !reached_without_[a][b]; }
  /// The one that is dominated by all others that dominate `node`; the entry's is itself.
  uint32_t immediate(uint32_t node) const;

 private:
  std::vector<bool> reached_;
  std::vector<std::vector<bool>> reached_without_;
};

/// What is wrong with the dominators that ir/dominators.cpp finds in this graph; empty if nothing
/// is.
std::string dominators_error(const ir::Graph& graph);

/// What is wrong with its reverse postorder; empty if nothing is.
std::string order_error(const ir::Graph& graph);

/// Up to `most` nodes, each with up to two successors, as blocks have them. The same on each
/// machine.
ir::Graph random_graph(uint64_t seed, uint32_t most);

/// `0 -> 1, 2; 1 -> 2; 2`
std::string text(const ir::Graph& graph);

}  // namespace tenon::lessons
