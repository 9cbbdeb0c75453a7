// The verifier's rules for index expressions.
#pragma once
#include <optional>
#include <span>
#include <string>

#include "ir/ir.h"

namespace tenon::ir {

/// What is wrong with operands of these types, if anything.
std::optional<std::string> operand_error(ScalarOp op, std::span<const DType> operands);

/// Whether every node has the arguments that its kind needs and names values and functions that
/// exist: what printing relies on.
bool is_well_formed(const Module& module, const Function& function, ExprId body);

/// The first thing that is wrong with a well-formed body.
std::optional<std::string> body_error(const Module& module, const Function& function,
                                      const Compute& compute);

}  // namespace tenon::ir
