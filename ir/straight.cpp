#include "ir/straight.h"

#include <map>

#include "ir/ranges.h"

namespace tenon::ir {
namespace {

constexpr size_t kLongest = 2000;
constexpr size_t kWorthSharing = 100;

/// Takes what the function has from `left`; false where that is not enough, or it is not straight.
bool is_straight(const Module& module, const Function& function, size_t& left) {
  if (function.blocks.size() != 1 || function.recursive) return false;
  const std::vector<Inst>& insts = function.blocks[0].insts;
  for (const Inst& inst : insts) {
    if (inst.op == Op::constant || inst.op == Op::ret) continue;
    if (left-- == 0) return false;
    if (inst.op == Op::call) {
      if (!is_straight(module, module.function(inst.get<FuncId>()), left)) return false;
    } else if (inst.op != Op::apply && inst.op != Op::convert) {
      return false;
    }
  }
  return insts.back().args.size() == 1;
}

}  // namespace

std::optional<size_t> straight_size(const Module& module, const Function& function) {
  size_t left = kLongest;
  if (function.blocks.empty() || !is_straight(module, function, left)) return {};
  return kLongest - left;
}

bool goes_in_lanes(const Module& module, FuncId callee) {
  return straight_size(module, module.function(callee)) && !may_fail(module, callee);
}

std::set<FuncId> shared_callees(const Module& module) {
  std::map<FuncId, int> computes;
  for (const Function& function : module.functions)
    for (const Block& block : function.blocks)
      for (const Inst& inst : block.insts) {
        if (inst.op != Op::compute) continue;
        std::set<FuncId> called;
        for_each_callee(function, inst, [&](FuncId callee) { called.insert(callee); });
        for (const FuncId callee : called) ++computes[callee];
      }
  std::set<FuncId> shared;
  for (const auto& [callee, count] : computes) {
    const std::optional<size_t> size = straight_size(module, module.function(callee));
    if (count > 1 && size && *size >= kWorthSharing && !may_fail(module, callee)) shared.insert(callee);
  }
  return shared;
}

}  // namespace tenon::ir
