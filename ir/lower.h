// Lowering: the typed tree to SSA. Variables become values (Braun et al., "Simple and Efficient
// Construction of SSA Form", CC 2013), index definitions become computes, calls of straight-line
// scalar functions inside them are inlined.
#pragma once
#include "ast/typed.h"
#include "ir/ir.h"

namespace tenon::ir {

/// A module with a function per instance, named `f` or `f.1797x64` (with its extents) where it has
/// dimensions; it verifies.
/// Schedules go to the computes that they are for; `unplaced`, if it is given, is told of those that
/// find none.
Module lower(const ast::typed::Program& program,
             std::vector<const ast::typed::PlacedSchedule*>* unplaced = nullptr);

}  // namespace tenon::ir
