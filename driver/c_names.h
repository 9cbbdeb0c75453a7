// The names that a library takes in C.
#pragma once
#include "ir/ir.h"

namespace tenon::driver {

/// Throws UsageError if C cannot have one of the exported functions' names, or if there is none.
void check_exported_names(const ir::Module& module);

}  // namespace tenon::driver
