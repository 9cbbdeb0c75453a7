#include "opt/analysis/uses.h"

#include <numeric>

namespace tenon::opt {

using namespace ir;

/// A counting sort by value: all users lie in one array, so that a function costs two allocations
/// and not one per value.
Uses::Uses(const Function& function) : first_(function.values.size() + 1) {
  struct Use {
    ValueId value;
    User user;
  };
  std::vector<Use> uses;
  for (uint32_t b = 0; b < function.blocks.size(); ++b) {
    const std::vector<Inst>& insts = function.blocks[b].insts;
    for (uint32_t position = 0; position < insts.size(); ++position) {
      for_each_use(function, insts[position],
                   [&](ValueId value) { uses.push_back({value, {{b}, position}}); });
    }
  }
  for (const Use& use : uses) ++first_[use.value.index + 1];
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  users_.resize(uses.size());
  std::vector<uint32_t> next(first_.begin(), first_.end() - 1);
  for (const Use& use : uses) users_[next[use.value.index]++] = use.user;
}

}  // namespace tenon::opt
