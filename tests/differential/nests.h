// What must hold of the loop nests of every module.
#pragma once
#include <string>

#include "ir/ir.h"

namespace tenon::tests {

/// That they verify, as lowered and under the schedules that are chosen for several machines, and
/// that their text reads back as the same and verifies too: what is wrong with that; empty if nothing
/// is.
std::string nests_problem(const ir::Module& module);

}  // namespace tenon::tests
