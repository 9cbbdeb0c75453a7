// Webs: values that hand one piece of memory on. An update writes into what it was given, and an edge
// passes a tensor to a block's parameter; what they connect lies in one place or nowhere (a web as in
// register allocation, Chaitin 1982).
#pragma once
#include <numeric>
#include <vector>

#include "ir/dominators.h"
#include "ir/ir.h"

namespace tenon::opt::memory {

class Webs {
 public:
  explicit Webs(const ir::Function& function) : web_(function.values.size()) {
    std::iota(web_.begin(), web_.end(), 0);
    for (const ir::Block& block : function.blocks) {
      for (const ir::Inst& inst : block.insts)
        if (inst.op == ir::Op::update) join(inst.args[0], inst.result());
      for (const ir::Edge& edge : ir::successors(block)) {
        const std::vector<ir::ValueId>& params = function.block(edge.target).params;
        for (size_t p = 0; p < params.size(); ++p) join(edge.args[p], params[p]);
      }
    }
  }

  /// The number of a value's web.
  uint32_t of(ir::ValueId value) {
    uint32_t v = value.index;
    while (web_[v] != v) v = web_[v] = web_[web_[v]];
    return v;
  }
  /// What they have in common afterwards is called what `b`'s was.
  void join(ir::ValueId a, ir::ValueId b) { web_[of(a)] = of(b); }

 private:
  std::vector<uint32_t> web_;  ///< a forest
};

}  // namespace tenon::opt::memory
