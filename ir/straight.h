// Functions that loops have in them: straight ones, which go from their entry to their one result by
// arithmetic alone, as exp and its like do.
#pragma once
#include <optional>
#include <set>

#include "ir/ir.h"

namespace tenon::ir {

/// The longest that is written out in the place of its call.
inline constexpr size_t kMostWrittenOut = 200;

/// How many instructions a straight function computes, with those of what it calls. Nothing if it is not
/// straight, or of thousands.
std::optional<size_t> straight_size(const Module& module, const Function& function);

/// Whether a call may stand in lanes: of a straight function that cannot fail.
bool goes_in_lanes(const Module& module, FuncId callee);

/// Long functions that go in lanes and are called by several computes, as normal(…)'s is: code for them is
/// made once.
std::set<FuncId> shared_callees(const Module& module);

}  // namespace tenon::ir
