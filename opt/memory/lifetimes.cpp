#include "opt/memory/lifetimes.h"

#include <algorithm>
#include <unordered_map>

#include "ir/dominators.h"
#include "opt/analysis/liveness.h"

namespace tenon::opt::memory {

using namespace ir;

Lifetimes::Lifetimes(const Module& module, const Function& function)
    : needed_(function.values.size()) {
  const auto is_tensor = [&](ValueId value) { return !module.type(function, value).is_scalar(); };
  number(module, function);
  const Liveness liveness(function, is_tensor);
  for (uint32_t b = 0; b < function.blocks.size(); ++b) {
    const Block& block = function.blocks[b];
    std::unordered_map<ValueId, int64_t> until;  // of what is needed where we are, going backward
    const auto begins = [&](ValueId value, int64_t at, int64_t at_least) {
      const auto found = until.find(value);
      const int64_t end = found == until.end() ? at_least : std::max(found->second, at_least);
      if (at < end) needed_[value.index] = united(needed_[value.index], {{at, end}});
      if (found != until.end()) until.erase(found);
    };
    for (const Edge& edge : successors(block))
      for (ValueId value : liveness.at_start(edge.target)) until[value] = starts_[b + 1];
    for (size_t i = block.insts.size(); i-- > 0;) {
      const Inst& inst = block.insts[i];
      if (is_about_owners(inst)) continue;
      const int64_t now = moments_[b][i];
      for (ValueId result : inst.results)
        if (is_tensor(result)) begins(result, now, now + 2);
      for_each_use(function, inst, [&](ValueId used) {
        if (is_tensor(used)) until.emplace(used, now + 1);
      });
    }
    while (!until.empty()) begins(until.begin()->first, starts_[b], starts_[b]);
  }
}

void Lifetimes::number(const Module& module, const Function& function) {
  for (const Block& block : function.blocks) {
    starts_.push_back(2 * steps_);
    std::vector<int64_t>& moments = moments_.emplace_back();
    for (const Inst& inst : block.insts) {
      moments.push_back(2 * steps_);
      bool has_tensors = false;
      const auto look = [&](ValueId value) {
        has_tensors = has_tensors || !module.type(function, value).is_scalar();
      };
      std::ranges::for_each(inst.results, look);
      for_each_use(function, inst, look);
      if (has_tensors && !is_about_owners(inst)) ++steps_;
    }
  }
  starts_.push_back(2 * steps_);
}

}  // namespace tenon::opt::memory
