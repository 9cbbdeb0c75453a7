#include "opt/analysis/unique_owners.h"

#include <algorithm>

#include "ir/dominators.h"

namespace tenon::opt {

using namespace ir;

UniqueOwners::UniqueOwners(const Module& module) : module_(module), keeps_(module.functions.size()) {
  for (const Function& function : module.functions) {
    unique_.emplace_back(function.values.size(), true);
    returned_.emplace_back(function.results.size(), true);
  }
  while (find_keepers()) {}
  for (bool again = true; again;) {
    again = false;
    for (uint32_t f = 0; f < module.functions.size(); ++f) again = find_shared({f}) || again;
  }
}

/// Whether there are more than were known.
bool UniqueOwners::find_keepers() {
  bool found = false;
  for (size_t f = 0; f < keeps_.size(); ++f) {
    if (keeps_[f]) continue;
    const Function& function = module_.functions[f];
    for (const Block& block : function.blocks) {
      for (const Inst& inst : block.insts) {
        const bool shares = inst.op == Op::share ||
                            (inst.op == Op::call && keeps_[inst.get<FuncId>().index]);
        for (ValueId arg : inst.args) {
          if (shares && std::ranges::find(function.params, arg) != function.params.end())
            keeps_[f] = true;
        }
      }
    }
    found = found || keeps_[f];
  }
  return found;
}

/// Whether less is unique than was thought.
bool UniqueOwners::find_shared(FuncId id) {
  const Function& function = module_.function(id);
  std::vector<bool>& unique = unique_[id.index];
  std::vector<std::vector<ValueId>> passed_on(function.values.size());  // to which parameters
  std::vector<ValueId> work;
  const auto is_shared = [&](ValueId value) {
    if (!unique[value.index]) return;
    unique[value.index] = false;
    work.push_back(value);
  };
  for (ValueId param : function.params) is_shared(param);
  for (const Block& block : function.blocks) {
    for (const Edge& edge : successors(block)) {
      for (size_t i = 0; i < edge.args.size(); ++i) {
        const ValueId param = function.block(edge.target).params[i];
        passed_on[edge.args[i].index].push_back(param);
        if (!unique[edge.args[i].index]) is_shared(param);
      }
    }
    for (const Inst& inst : block.insts) {
      if (inst.op == Op::share) is_shared(inst.args[0]);
      if (inst.op != Op::call) continue;
      const FuncId callee = inst.get<FuncId>();
      if (keeps_[callee.index]) std::ranges::for_each(inst.args, is_shared);
      for (size_t i = 0; i < inst.results.size(); ++i)
        if (!returned_[callee.index][i]) is_shared(inst.results[i]);
    }
  }
  while (!work.empty()) {
    const ValueId value = work.back();
    work.pop_back();
    for (ValueId param : passed_on[value.index]) is_shared(param);
  }
  bool changed = false;
  for (const Block& block : function.blocks) {
    const Inst& end = block.insts.back();
    for (size_t i = 0; end.op == Op::ret && i < end.args.size(); ++i) {
      if (unique[end.args[i].index] || !returned_[id.index][i]) continue;
      returned_[id.index][i] = false;
      changed = true;
    }
  }
  return changed;
}

}  // namespace tenon::opt
