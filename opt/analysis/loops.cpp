// The walk from the latches upward is over inner loops as if each were one block, so that every
// block and edge is looked at once (the order of Havlak, "Nesting of Reducible and Irreducible
// Loops", 1997; union-find keeps the steps over nested loops short).
#include "opt/analysis/loops.h"

#include <algorithm>

namespace tenon::opt {

using namespace ir;

Loops::Loops(const Function& function)
    : graph_(control_flow(function)),
      order_(reverse_postorder(graph_)),
      predecessors_(graph_.reversed(order_)),
      dominators_(graph_),
      rank_(graph_.size()),
      around_(graph_.size()) {
  for (uint32_t i = 0; i < order_.size(); ++i) rank_[order_[i]] = i;
  find_headers();
  find_members();
  number();
}

/// Inner headers come behind outer ones in reverse postorder: backward, every loop is met before the
/// one around it.
void Loops::find_headers() {
  const auto add = [](std::vector<BlockId>& blocks, uint32_t block) {
    if (blocks.empty() || blocks.back().index != block) blocks.push_back({block});
  };
  for (auto header = order_.rbegin(); header != order_.rend(); ++header) {
    Loop loop;
    loop.header = {*header};
    for (uint32_t from : predecessors_[*header]) {
      if (dominators_.dominates(*header, from)) {
        add(loop.latches, from);
      } else {
        add(loop.entries, from);
        if (rank_[from] >= rank_[*header]) irreducible_.push_back({{from}, {*header}});
      }
    }
    if (loop.latches.empty()) continue;
    if (loop.entries.size() == 1 && graph_[loop.entries[0].index].size() == 1)
      loop.preheader = loop.entries[0];
    loops_.push_back(std::move(loop));
  }
}

void Loops::find_members() {
  std::vector<uint32_t> up(loops_.size());  // toward the outermost loop found so far around a loop
  const auto outermost = [&](uint32_t loop) {
    while (up[loop] != loop) loop = up[loop] = up[up[loop]];
    return loop;
  };
  std::vector<uint32_t> work;
  for (uint32_t l = 0; l < loops_.size(); ++l) {
    up[l] = l;
    const uint32_t header = loops_[l].header.index;
    around_[header] = {l};
    for (BlockId latch : loops_[l].latches) work.push_back(latch.index);
    while (!work.empty()) {
      uint32_t block = work.back();
      work.pop_back();
      if (around_[block]) {
        const uint32_t inner = outermost(around_[block].index);
        if (inner == l) continue;
        loops_[inner].parent = {l};
        up[inner] = l;
        block = loops_[inner].header.index;  // go on above it
      } else {
        around_[block] = {l};
      }
      for (uint32_t from : predecessors_[block]) work.push_back(from);
    }
  }
  for (uint32_t block : order_) {
    if (around_[block]) loops_[around_[block].index].own.push_back({block});
  }
}

/// The forest in preorder: inside loop `l` are first_[l] … first_[l] + size_[l] - 1.
void Loops::number() {
  inner_.resize(loops_.size());
  first_.resize(loops_.size());
  size_.assign(loops_.size(), 1);
  for (uint32_t l = 0; l < loops_.size(); ++l) {
    if (const LoopId parent = loops_[l].parent) {
      size_[parent.index] += size_[l];
      inner_[parent.index].push_back({l});
    }
  }
  uint32_t next_root = 0;
  std::vector<uint32_t> next(loops_.size());
  for (uint32_t l = static_cast<uint32_t>(loops_.size()); l-- > 0;) {
    const LoopId parent = loops_[l].parent;
    if (parent) loops_[l].depth = loops_[parent.index].depth + 1;
    uint32_t& place = parent ? next[parent.index] : next_root;
    first_[l] = place;
    place += size_[l];
    next[l] = first_[l] + 1;
  }
}

bool Loops::contains(LoopId outer, LoopId inner) const {
  return inner && first_[outer.index] <= first_[inner.index] &&
         first_[inner.index] < first_[outer.index] + size_[outer.index];
}

std::vector<BlockId> Loops::blocks(LoopId loop) const {
  std::vector<BlockId> blocks;
  std::vector<LoopId> work = {loop};
  while (!work.empty()) {
    const LoopId next = work.back();
    work.pop_back();
    blocks.insert(blocks.end(), (*this)[next].own.begin(), (*this)[next].own.end());
    work.insert(work.end(), inner_[next.index].begin(), inner_[next.index].end());
  }
  std::ranges::sort(blocks, {}, [&](BlockId block) { return rank_[block.index]; });
  return blocks;
}

std::vector<FlowEdge> Loops::exits(LoopId loop) const {
  std::vector<FlowEdge> exits;
  for (BlockId block : blocks(loop)) {
    for (uint32_t to : graph_[block.index]) {
      if (!contains(loop, BlockId{to})) exits.push_back({block, {to}});
    }
  }
  return exits;
}

}  // namespace tenon::opt
