// Liveness: which values are needed later.
//
// A value is live where some way leads on to a use of it. It is found value by value, upward from
// each use to the definition (Appel and Palsberg, "Modern Compiler Implementation", 19.6): with one
// definition that dominates all uses, that takes as long as the answer is long. An edge's arguments
// are used at the end of the block that the edge leaves.
#pragma once
#include <functional>
#include <vector>

#include "ir/ir.h"

namespace tenon::opt {

class Liveness {
 public:
  /// Of those values that are wanted.
  Liveness(const ir::Function& function, const std::function<bool(ir::ValueId)>& wanted);

  /// What is live where a block begins, ascending; its own parameters are not.
  const std::vector<ir::ValueId>& at_start(ir::BlockId block) const {
    return live_[block.index];
  }

 private:
  std::vector<std::vector<ir::ValueId>> live_;  ///< by block
};

}  // namespace tenon::opt
