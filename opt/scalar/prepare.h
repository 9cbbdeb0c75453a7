// What depends on constant parameters alone, computed beforehand (ir/prepared.h).
#pragma once
#include "opt/pass.h"

namespace tenon::opt {

/// Moves what depends on the prepared parameters of a function alone to the function that gives them.
void move_to_prepare(ir::Module& module, ir::FuncId function, PassContext& context);

}  // namespace tenon::opt
