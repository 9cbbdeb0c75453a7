// Unique owners: which tensors surely have one owner all along, so that an update writes in place and
// nobody has to count when the program runs.
//
// The pass `own` has made owners explicit: a tensor has a second one only behind a `share`. So a
// tensor is unique if it is made (not passed in), nothing shares it, no callee that it is passed to
// keeps it, and, if it is a block's parameter, all that is passed on to it is unique. It is found
// as the greatest solution: all are unique but those for which a reason says otherwise.
//
// What a function returns is unique if all that it returns there is: over the whole module, until
// nothing changes.
#pragma once
#include <vector>

#include "ir/ir.h"

namespace tenon::opt {

class UniqueOwners {
 public:
  /// Of a module that has been through `own`.
  explicit UniqueOwners(const ir::Module& module);
  bool is_unique(ir::FuncId function, ir::ValueId tensor) const {
    return unique_[function.index][tensor.index];
  }
  /// Whether the function may add an owner to a tensor that it is passed.
  bool keeps(ir::FuncId function) const { return keeps_[function.index]; }

 private:
  bool find_keepers();
  bool find_shared(ir::FuncId function);

  const ir::Module& module_;
  std::vector<bool> keeps_;                 ///< functions that share what they were passed
  std::vector<std::vector<bool>> unique_;   ///< by function and value
  std::vector<std::vector<bool>> returned_; ///< by function and result: unique
};

}  // namespace tenon::opt
