#include "ir/straight.h"

namespace tenon::ir {
namespace {

constexpr size_t kMostWrittenOut = 200;  ///< instructions

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
  size_t left = kMostWrittenOut;
  if (!is_straight(module, function, left)) return {};
  return kMostWrittenOut - left;
}

}  // namespace tenon::ir
