// Value ranges: between which numbers an integer lies, for every SSA value of a function.
//
//   loop(%i: i64):                 %i is in [0, 10]: [0, 0] from before the loop, [1, 10] from %next
//     %more = lt %i, %ten
//     branch %more, body, done
//   body:                          here %i < 10 is known, so %i is in [0, 9]
//     %next = add %i, %one         and this in [1, 10]
//
// Abstract interpretation over intervals (Cousot and Cousot, POPL 1977): ranges grow from nothing
// until they hold. A parameter of a loop's header that keeps growing is widened, to the next number
// that the function compares with, at last to all that its type has; then the equations are
// applied again, which narrows. What is known at a place (conditions.h) refines the ranges there; ABCD
// (Bodík, Gupta and Sarkar, PLDI 2000) gives such values new names instead, its e-SSA form.
//
// A tensor of integers has one range for all of its elements (array smashing, Blanchet et al.,
// PLDI 2003).
#pragma once
#include <functional>
#include <vector>

#include "opt/analysis/conditions.h"

namespace tenon::opt {

class ValueRanges {
 public:
  ValueRanges(const ir::Module& module, const ir::Function& function);

  /// Where a value lies, at whatever place it is used. All of the type where nothing is known; also
  /// where it is never computed.
  ir::Range of(ir::ValueId value) const;
  /// The same before instruction `position` of a block, with what holds there.
  ir::Range at(ir::ValueId value, ir::BlockId block, size_t position) const;

 private:
  void find_headers();
  void find_thresholds();
  void solve();
  enum class Phase { grow, widen, narrow };
  bool sweep(Phase phase);
  bool set(ir::ValueId value, ir::Range now, Phase phase, bool in_header);
  ir::Range widened(ir::ValueId value, ir::Range before, ir::Range now) const;
  ir::Range evaluate(const ir::Inst& inst, size_t result, ir::BlockId block,
                     size_t position) const;
  ir::Range range_of_body(const ir::Compute& compute, size_t result,
                          const std::function<ir::Range(ir::ValueId)>& range_of) const;
  ir::Range incoming(ir::BlockId block, size_t param) const;
  ir::Range known(ir::ValueId value, ir::BlockId block, size_t position, int depth) const;

  const ir::Module& module_;
  const ir::Function& function_;
  ir::Graph graph_;
  ir::Dominators dominators_;
  Conditions conditions_;
  std::vector<uint32_t> order_;
  ir::Graph predecessors_;
  std::vector<bool> header_;                  ///< blocks that an edge leads back to
  std::vector<int64_t> thresholds_;           ///< ascending
  std::vector<ir::Range> ranges_;             ///< by value
  std::vector<uint8_t> widenings_;            ///< by value: how often
};

}  // namespace tenon::opt
