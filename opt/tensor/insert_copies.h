// The first step of `own`: copies that updates need, as instructions.
#pragma once
#include "ir/ir.h"

namespace tenon::opt {

/// The function has no owners yet.
void insert_copies(const ir::Module& module, ir::Function& function);

}  // namespace tenon::opt
