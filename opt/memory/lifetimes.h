// Lifetimes: from when to when the memory of each tensor is needed.
//
// [snippet lifetimes]
// Time runs through the function's blocks as they stand. Step n is the n-th instruction that has to do
// with tensors; what it uses is needed at moment 2n, what it makes from 2n on, for a kernel writes while
// it reads. So a tensor that is used for the last time in step n is needed up to 2n + 1. Where a result
// takes the place of an operand that dies (in_place.h), both have just the moment 2n in common.
// [end]
#pragma once
#include <vector>

#include "ir/ir.h"
#include "opt/memory/pack.h"

namespace tenon::opt::memory {

class Lifetimes {
 public:
  /// `share` and `drop` take no time, and what drops a tensor does not use it.
  Lifetimes(const ir::Module& module, const ir::Function& function);

  const Stretches& of(ir::ValueId tensor) const { return needed_[tensor.index]; }
  /// When the instruction reads: twice the number of its step.
  int64_t moment(ir::BlockId block, size_t inst) const { return moments_[block.index][inst]; }
  int64_t steps() const { return steps_; }

 private:
  void number(const ir::Module& module, const ir::Function& function);

  std::vector<std::vector<int64_t>> moments_;  ///< by block and instruction
  std::vector<int64_t> starts_;                ///< by block, and the end
  std::vector<Stretches> needed_;              ///< by value
  int64_t steps_ = 0;
};

/// share and drop.
inline bool is_about_owners(const ir::Inst& inst) {
  return ir::row(inst.op).trait == ir::Trait::ownership;
}

}  // namespace tenon::opt::memory
