// Stack tensors: small tensors that need no memory of their own from the runtime, as they never leave
// the function: a place in its frame serves every time that they are made (escape analysis, Choi
// et al., OOPSLA 1999, easy here, for nothing points into a tensor).
//
// Updates and edges hand one piece of memory on, so what they connect stays or goes together: a web. A
// web may lie in the frame if all of it is unique (unique_owners.h), small, made by instructions of
// this function and never returned; and if, whenever it is made anew, none of it is still needed.
#pragma once
#include <vector>

#include "opt/analysis/unique_owners.h"

namespace tenon::opt {

class StackTensors {
 public:
  /// Of a module that has been through `own`.
  StackTensors(const ir::Module& module, ir::FuncId function, const UniqueOwners& owners);
  bool contains(ir::ValueId tensor) const { return on_stack_[tensor.index]; }

 private:
  std::vector<bool> on_stack_;
};

}  // namespace tenon::opt
