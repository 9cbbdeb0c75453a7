#include "opt/analysis/liveness.h"

#include "ir/dominators.h"

namespace tenon::opt {

using namespace ir;

Liveness::Liveness(const Function& function, const std::function<bool(ValueId)>& wanted)
    : live_(function.blocks.size()) {
  const size_t count = function.blocks.size();
  std::vector<std::vector<BlockId>> predecessors(count), used_in(function.values.size());
  std::vector<BlockId> defined_in(function.values.size(), BlockId{0});  // parameters: the entry
  for (uint32_t b = 0; b < count; ++b) {
    const Block& block = function.blocks[b];
    for (const Edge& edge : successors(block)) predecessors[edge.target.index].push_back({b});
    for (ValueId param : block.params) defined_in[param.index] = {b};
    for (const Inst& inst : block.insts) {
      for (ValueId result : inst.results) defined_in[result.index] = {b};
      for_each_use(function, inst, [&](ValueId used) {
        if (wanted(used)) used_in[used.index].push_back({b});
      });
    }
  }
  for (uint32_t v = 0; v < function.values.size(); ++v) {
    std::vector<BlockId>& work = used_in[v];
    while (!work.empty()) {
      const BlockId block = work.back();
      work.pop_back();
      std::vector<ValueId>& live = live_[block.index];
      const bool seen = !live.empty() && live.back() == ValueId{v};
      if (block == defined_in[v] || seen) continue;
      live.push_back({v});
      const std::vector<BlockId>& before = predecessors[block.index];
      work.insert(work.end(), before.begin(), before.end());
    }
  }
}

}  // namespace tenon::opt
