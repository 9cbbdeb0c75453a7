// Functions that loops have in them: written out in the place of their call.
#pragma once
#include <optional>

#include "ir/ir.h"

namespace tenon::ir {

/// How many instructions a function computes, with those of what it calls, if it goes straight from its
/// entry to its one result by arithmetic alone, as exp and its like do, and is short. Nothing if not.
std::optional<size_t> straight_size(const Module& module, const Function& function);

}  // namespace tenon::ir
