// Reductions that stand directly under the indices of a compute, outside of branches and of other
// reductions, over constant ranges: those that may be computed by themselves, before.
#pragma once
#include <vector>

#include <functional>

#include "ir/ir.h"

namespace tenon::opt {

struct OuterReduction {
  ir::ExprId id;
  std::vector<uint32_t> levels;   ///< the compute's indices that its body depends on
  std::vector<int64_t> lo, turns; ///< of its own indices
  int64_t results = 1;            ///< how many different ones there are: the extents of `levels`

  int64_t turns_in_all() const;
  /// Whether each point of the compute has one of its own.
  bool is_everywhere(const ir::Compute& compute) const;
};

/// Of a compute in which nothing can fail; none of another, whose checks keep their order, and of one whose
/// schedule says how a GPU computes it: that is about the loops that it has.
std::vector<OuterReduction> outer_reductions(const ir::Module& module, const ir::Function& function,
                                             const ir::Compute& compute);

/// The body of a reduction of `compute` as it is in one of `rank` indices: `levels` are what the indices
/// that it depends on are there, `own` what its own are.
ir::ExprId moved_body(ir::Exprs& exprs, const ir::Compute& compute, const OuterReduction& reduction,
                      uint32_t rank, const std::vector<ir::ExprId>& levels,
                      const std::vector<ir::ExprId>& own);

/// Calls `rewrite` for every compute of a function; what it puts into `before` comes to stand in front of it.
void rewrite_computes(ir::Function& function,
                      const std::function<void(ir::Inst& inst, std::vector<ir::Inst>& before)>& rewrite);

/// The compute with `to` in the place of `from` wherever that stands.
ir::Compute with_replaced(ir::Exprs& exprs, const ir::Compute& compute, ir::ExprId from, ir::ExprId to);

}  // namespace tenon::opt
