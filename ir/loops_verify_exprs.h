// The verifier's rules for single expressions of loop nests.
#pragma once
#include <optional>
#include <string>

#include "ir/loops.h"

namespace tenon::ir::loops {

/// Whether every id names something that there is and what must not be null is not: what printing
/// relies on, and every other rule.
bool is_well_formed(const Module& module, const Kernel& kernel);

/// What is wrong with the types of a node and its operands, if anything; these are not looked into.
std::optional<std::string> node_error(const Kernel& kernel, const Expr& node);

/// What is wrong with so many subscripts of `name`, or with their types.
std::optional<std::string> subscript_error(const std::string& name, const Type& type,
                                           const std::vector<ExprPtr>& subscripts);

}  // namespace tenon::ir::loops
