// Indices of reductions that nothing depends on: count(x) is written as `sum[...s] 1`.
#pragma once
#include "ir/ir.h"

namespace tenon::opt {

/// The reduction without those of its indices that its body does not have, or `reduce` itself:
///
///   sum[k: 8, l: 3](%x[k])   ->   sum[k: 8](%x[k]) * 3
///
/// In integers alone, where it is the same to the bit; min, max, any and all stay as they are. `body_may_fail`:
/// then nothing changes, since a body is known by the place where it fails.
ir::ExprId without_idle_indices(ir::Exprs& exprs, ir::ExprId reduce, bool body_may_fail);

}  // namespace tenon::opt
