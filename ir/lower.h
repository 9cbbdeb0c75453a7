// Lowering: the typed tree to SSA. Variables become values (Braun et al., "Simple and Efficient
// Construction of SSA Form", CC 2013), index definitions become computes, calls of straight-line
// scalar functions inside them are inlined.
#pragma once
#include "ast/typed.h"
#include "ir/ir.h"

namespace tenon::ir {

/// A module with a function per instance, named `f` or `f.1797x64` (with its extents) where it has
/// dimensions; it verifies.
Module lower(const ast::typed::Program& program);

}  // namespace tenon::ir
