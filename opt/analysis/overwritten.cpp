#include "opt/analysis/overwritten.h"

#include "ir/dominators.h"

namespace tenon::opt {

using namespace ir;

std::vector<bool> find_overwritten(const Function& function) {
  std::vector<bool> overwritten(function.values.size());
  std::vector<std::vector<ValueId>> passed(function.values.size());  // by parameter
  std::vector<ValueId> work;
  const auto overwrite = [&](ValueId value) {
    if (overwritten[value.index]) return;
    overwritten[value.index] = true;
    work.push_back(value);
  };
  for (const Block& block : function.blocks) {
    for (const Inst& inst : block.insts)
      if (inst.op == Op::update) overwrite(inst.args[0]);
    for (const Edge& edge : successors(block)) {
      const std::vector<ValueId>& params = function.block(edge.target).params;
      for (size_t p = 0; p < params.size(); ++p) passed[params[p].index].push_back(edge.args[p]);
    }
  }
  while (!work.empty()) {
    const ValueId value = work.back();
    work.pop_back();
    for (ValueId from : passed[value.index]) overwrite(from);
  }
  return overwritten;
}

}  // namespace tenon::opt
