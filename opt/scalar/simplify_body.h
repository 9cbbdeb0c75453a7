// simplify, inside the body of a compute.
#pragma once
#include <functional>

#include "opt/pass.h"

namespace tenon::opt {

/// `constant_of` gives the scalar values of the function that are known.
void simplify_body(ir::Module& module, ir::Function& function, ir::Compute& compute,
                   PassContext& context,
                   const std::function<std::optional<ir::Scalar>(ir::ValueId)>& constant_of);

}  // namespace tenon::opt
