// Which tensors an update may overwrite, directly or after edges have passed them on: for these it
// counts who else needs them, as the update then makes a copy.
#pragma once
#include <vector>

#include "ir/ir.h"

namespace tenon::opt {

/// By value.
std::vector<bool> find_overwritten(const ir::Function& function);

}  // namespace tenon::opt
