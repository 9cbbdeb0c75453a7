// Computes that another one works out in its own nest.
#pragma once
#include <optional>
#include <set>
#include <string>

#include "opt/analysis/purity.h"

namespace tenon::opt {

/// The tensors that schedules want computed by those who read them.
std::set<ir::ValueId> told_producers(const ir::Function& function);
/// Why the compute that defines `reader` cannot work out `producer`, which it reads, itself; nothing if it can.
std::optional<std::string> obstacle_to_taking_in(const ir::Module& module, const ir::Function& function,
                                                 const Purity& purity, ir::ValueId reader, ir::ValueId producer);
/// Puts the one into the other, where nothing stands in the way.
void take_in(ir::Function& function, ir::ValueId reader, ir::ValueId producer);

}  // namespace tenon::opt
