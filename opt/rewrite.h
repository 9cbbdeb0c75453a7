// What several passes need to rewrite functions.
#pragma once
#include <unordered_map>

#include "ir/ir.h"

namespace tenon::opt {

/// Values that are to stand in the place of others.
class Replacements {
 public:
  void add(ir::ValueId from, ir::ValueId to) { to_[from] = to; }
  bool empty() const { return to_.empty(); }
  /// What stands for `value` in the end: replacements are replaced too.
  ir::ValueId resolve(ir::ValueId value) const;
  void apply(ir::Function& function, ir::Inst& inst) const;
  void apply(ir::Function& function) const;

 private:
  std::unordered_map<ir::ValueId, ir::ValueId> to_;
};

/// Whether `own` has been here. Then each use of a tensor is accounted for, and the other passes leave
/// the function alone.
bool has_owners(const ir::Function& function);

/// Drops the other blocks and renumbers those kept, whose edges lead to kept ones only.
void keep_blocks(ir::Function& function, const std::vector<bool>& keep);

bool has_unreachable(const ir::Function& function);
/// Whoever takes an edge away does this too: in blocks that nothing reaches any more, uses may have
/// lost the definitions that dominated them.
void remove_unreachable(ir::Function& function);

}  // namespace tenon::opt
