// Subscripts in their simplest form. What reshapes, slices and flattenings become when they are put
// into each other are sums of multiples of indices, with quotients and remainders by constants in
// them; what is known of the indices' ranges undoes most of those: (i * 8 + j) / 8 is i where j < 8.
#pragma once
#include "ir/ir.h"

namespace tenon::opt {

/// The compute with every subscript in its simplest form, and without the ifs that the ranges of its
/// indices decide. It computes, and fails, as before.
ir::Compute with_simple_subscripts(ir::Function& function, const ir::Compute& compute);

}  // namespace tenon::opt
