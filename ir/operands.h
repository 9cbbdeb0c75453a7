// Operands in schedules: the tensors that directives name, under the names that their values have.
#pragma once
#include <map>
#include <string>

#include "ir/ir.h"

namespace tenon::ir {

/// Gives operands of a schedule other names, all at once; the loops too that are called after them, as those
/// of `pack b` are `b0` and `b1`.
void rename_operands(Schedule& schedule, const std::map<std::string, std::string>& names);

/// Operands as the source calls them under the names of the values that the compute reads: `x` may be `%x2`
/// here.
void resolve_operands(const Function& function, Compute& compute);

}  // namespace tenon::ir
