// Ranges of integer expressions: what a subscript can be, given the ranges of its indices. Proves
// that a check is not needed; used by has_effect(), the loop lowering and the optimizer.
#pragma once
#include <functional>
#include <span>

#include "ir/interval.h"
#include "ir/ir.h"

namespace tenon::ir {

/// The values that integer expression `expr` can take where bound level l lies in levels[l].
/// Sums of multiples of indices are exact (so `i - i` is 0); whatever may wrap is unbounded.
Range range_of(const Function& function, ExprId expr, std::span<const Range> levels);

/// The nodes of a compute's body that may fail at run time: reads not proved in range, divisions not
/// proved by non-zero, max/min/argmax/argmin not proved non-empty, calls of functions that may fail.
std::vector<ExprId> fallible_nodes(const Module& module, const Function& function,
                                   const Compute& compute);

/// What is known around an instruction, from whoever has looked at all of its function and module
/// already: opt/analysis/purity.h.
struct Known {
  std::function<bool(FuncId)> callee_fails;   ///< may_fail(module, callee), or wider
  /// Where an integer scalar lies, or each element of a tensor of integers.
  std::function<Range(ValueId)> range_of;
};
std::vector<ExprId> fallible_nodes(const Module& module, const Function& function,
                                   const Compute& compute, const Known& known);

/// Whether an instruction can stop the program; `load` always can.
bool may_fail(const Module& module, const Function& function, const Inst& inst, const Known& known);
/// The same, looking for what is known: it takes as long as a walk over the function.
bool may_fail(const Module& module, const Function& function, const Inst& inst);
/// Whether a function can stop the program: contains something that may fail, or is recursive.
bool may_fail(const Module& module, FuncId function);

}  // namespace tenon::ir
