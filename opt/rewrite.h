// What several passes need to rewrite functions.
#pragma once
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/ir.h"
#include "opt/pass.h"

namespace tenon::opt {

/// Values that are to stand in the place of others.
class Replacements {
 public:
  void add(ir::ValueId from, ir::ValueId to) { to_[from] = to; }
  bool empty() const { return to_.empty(); }
  bool contains(ir::ValueId from) const { return to_.contains(from); }
  /// What stands for `value` in the end: replacements are replaced too.
  ir::ValueId resolve(ir::ValueId value) const;
  void apply(ir::Function& function, ir::Inst& inst) const;
  void apply(ir::Function& function) const;

 private:
  std::unordered_map<ir::ValueId, ir::ValueId> to_;
};

/// A name without the number at its end: as a hint for a new one, so that %t1 becomes %t2, not %t11.
std::string_view without_number(std::string_view name);

/// Whether `own` has been here. Then each use of a tensor is accounted for, and the other passes leave
/// the function alone.
bool has_owners(const ir::Function& function);

/// Drops block parameters, and with them what edges pass to those.
void remove_params(ir::Function& function, const std::function<bool(ir::ValueId)>& which);

/// Drops the other blocks and renumbers those kept, whose edges lead to kept ones only.
void keep_blocks(ir::Function& function, const std::vector<bool>& keep);

/// Drops the other functions and renumbers those kept, which call kept ones only.
void keep_functions(ir::Module& module, const std::vector<bool>& keep);

bool has_unreachable(const ir::Function& function);
/// Whoever takes an edge away does this too: in blocks that nothing reaches any more, uses may have
/// lost the definitions that dominated them.
void remove_unreachable(ir::Function& function);

/// Gives every natural loop a preheader (opt/analysis/loops.h): the place for what is to happen once,
/// before it.
void add_preheaders(ir::Function& function, PassContext& context);
/// Where the one back edge of a loop is one of a branch's, puts a block on it, that only jumps back.
void add_latches(ir::Function& function, PassContext& context);

}  // namespace tenon::opt
