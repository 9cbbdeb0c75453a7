// Conditions: what is known of integers where the program has got to.
//
//   branch %more, body, done       with %more = lt %i, %n: in body and all that it dominates %i < %n,
//                                  in done %i >= %n
//   %e = element %t[%i]            behind it 0 <= %i < the extent of %t, for the check has passed
//
// A block learns from a branch only if the branch is the only way into it, ways back aside.
#pragma once
#include <vector>

#include "ir/dominators.h"
#include "ir/interval.h"

namespace tenon::opt {

/// From before instruction `position` of a block on, and in all blocks that this one dominates:
/// `value op other`; or, if there is no other, `value` lies in `bound`.
struct Fact {
  ir::BlockId block;
  size_t position;
  ir::ScalarOp op;
  ir::ValueId other;
  ir::Range bound;
};

class Conditions {
 public:
  Conditions(const ir::Module& module, const ir::Function& function, const ir::Graph& graph,
             const ir::Dominators& dominators);

  /// Calls visit(fact) for what is known of a value before an instruction: the nearest facts first,
  /// and not more than a few, so that a question never takes long.
  template <class Visit>
  void for_each(ir::ValueId value, ir::BlockId block, size_t position, const Visit& visit) const {
    const std::vector<Fact>& facts = facts_[value.index];
    const size_t end = facts.size() - std::min(facts.size(), kMaxFacts);
    for (size_t i = facts.size(); i > end; --i) {
      const Fact& fact = facts[i - 1];
      if (fact.block == block ? fact.position <= position
                              : dominators_.dominates(fact.block, block))
        visit(fact);
    }
  }

 private:
  static constexpr size_t kMaxFacts = 16;

  ir::BlockId only_entry(ir::BlockId block) const;
  void assume_branch(ir::BlockId from, ir::BlockId to, ir::BlockId block, int depth);
  void assume(ir::ValueId condition, bool holds, ir::BlockId block, int depth);
  void assume_join(ir::ValueId condition, bool holds, ir::BlockId block, int depth);
  bool is_still(ir::ValueId value) const;
  void assume_checked(const ir::Inst& inst, ir::BlockId block, size_t position);

  const ir::Module& module_;
  const ir::Function& function_;
  const ir::Dominators& dominators_;
  ir::Graph predecessors_;
  std::vector<const ir::Inst*> definitions_;  ///< by value: null for parameters
  std::vector<ir::BlockId> defined_in_;       ///< by value: none for the function's parameters
  std::vector<ir::BlockId> joins_;            ///< that assume() has come through
  std::vector<std::vector<Fact>> facts_;      ///< by value, those that dominate first
};

/// lt, le, gt, ge, eq or ne.
bool is_comparison(ir::ScalarOp op);

/// What of `range` is `op` to something in `other`; `op` is a comparison.
ir::Range refined(ir::Range range, ir::ScalarOp op, ir::Range other);

}  // namespace tenon::opt
