// Use lists: who uses a value.
//
// SSA functions keep none (ir/ir.h), so that no rewrite has to keep them true. A pass that goes from
// values to their users builds them, in one walk, and has them until it changes the function.
#pragma once
#include <span>
#include <vector>

#include "ir/ir.h"

namespace tenon::opt {

/// An instruction, by its place.
struct User {
  ir::BlockId block;
  uint32_t position;  ///< in the block's `insts`
  bool operator==(const User&) const = default;
};

class Uses {
 public:
  explicit Uses(const ir::Function& function);

  /// Once per use, in the order of the blocks: an argument, an argument of an edge, or a node of a
  /// compute's body (once for all equal nodes).
  std::span<const User> of(ir::ValueId value) const {
    return {users_.data() + first_[value.index], users_.data() + first_[value.index + 1]};
  }
  size_t count(ir::ValueId value) const { return of(value).size(); }

 private:
  std::vector<uint32_t> first_;  ///< by value, and one more: where its users begin
  std::vector<User> users_;
};

}  // namespace tenon::opt
