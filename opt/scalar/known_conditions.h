// Conditions that are known because of a branch on the way (in the literature: e-SSA's sigma functions
// or predicate propagation; here nothing is renamed, the dominator tree is enough).
#pragma once
#include "ir/ir.h"
#include "opt/pass.h"

namespace tenon::opt {

/// Behind the first edge of `branch %c`, in all that it dominates, %c is true: uses of it there become
/// uses of a constant. Likewise false behind the second; the parts of an `and` that is true and of an
/// `or` that is false; and %x where it equals a constant (an integer's: 0.0 equals -0.0).
void use_known_conditions(ir::Function& function, PassContext& context);

}  // namespace tenon::opt
