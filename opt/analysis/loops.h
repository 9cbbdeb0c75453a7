// Natural loops and how they nest.
//
// A back edge leads to a block that dominates the block that it comes from: the header, the loop's
// only way in. The loop is the header and all that reaches a back edge without passing it. Loops
// with one header are one loop; two others are apart, or one lies in the other, so that they form a
// forest (Aho, Lam, Sethi, Ullman, "Compilers", 9.6).
//
//   entry → preheader → header ⇄ body → latch → header
//                         └──→ outside (the edge header → outside is an exit)
//
// A circle that can be entered at two blocks has no header and is no natural loop: the graph is
// irreducible there. Such circles come only from IR written by hand; they are said, and no pass on
// loops touches them.
#pragma once
#include <span>
#include <vector>

#include "ir/dominators.h"

namespace tenon::opt {

using LoopId = ir::Id<struct LoopTag>;  ///< into Loops

struct Loop {
  ir::BlockId header;
  LoopId parent;                     ///< the loop right around it, if there is one
  uint32_t depth = 1;                ///< 1: in no other loop
  std::vector<ir::BlockId> entries;  ///< the blocks outside that lead to the header
  std::vector<ir::BlockId> latches;  ///< the blocks inside that do: where back edges come from
  std::vector<ir::BlockId> own;      ///< its blocks that lie in no inner loop, the header first
  ir::BlockId preheader;  ///< the only entry, if it leads nowhere else; otherwise none
};

/// An edge between blocks.
struct FlowEdge {
  ir::BlockId from, to;
  bool operator==(const FlowEdge&) const = default;
};

class Loops {
 public:
  explicit Loops(const ir::Function& function);

  /// Each before the loop around it.
  std::span<const Loop> all() const { return loops_; }
  const Loop& operator[](LoopId id) const { return loops_[id.index]; }
  /// The innermost loop around a block, if there is one.
  LoopId around(ir::BlockId block) const { return around_[block.index]; }
  uint32_t depth(ir::BlockId block) const { return around(block) ? (*this)[around(block)].depth : 0; }
  bool contains(LoopId outer, LoopId inner) const;
  bool contains(LoopId loop, ir::BlockId block) const { return contains(loop, around(block)); }

  /// All blocks of a loop, those of inner loops too, each before its successors except along edges
  /// that close loops; so the header is the first.
  std::vector<ir::BlockId> blocks(LoopId loop) const;
  /// The edges that lead out of a loop.
  std::vector<FlowEdge> exits(LoopId loop) const;

  /// The edges that close circles without a header; empty if the graph is reducible.
  const std::vector<FlowEdge>& irreducible() const { return irreducible_; }

  const ir::Graph& graph() const { return graph_; }
  const ir::Dominators& dominators() const { return dominators_; }

 private:
  void find_headers();
  void find_members();
  void number();

  ir::Graph graph_;
  std::vector<uint32_t> order_;  ///< reverse postorder
  ir::Graph predecessors_;
  ir::Dominators dominators_;
  std::vector<uint32_t> rank_;  ///< each block's place in `order_`
  std::vector<Loop> loops_;
  std::vector<LoopId> around_;
  std::vector<std::vector<LoopId>> inner_;  ///< by loop: those right inside it
  std::vector<uint32_t> first_, size_;      ///< the forest in preorder
  std::vector<FlowEdge> irreducible_;
};

}  // namespace tenon::opt
