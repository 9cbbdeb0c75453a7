// From counts to what one reads: counters by kernel and line, occupancy, and which resource limits.
#pragma once
#include "runtime/sim/machine.h"

namespace tenon::runtime::sim {

Report make_report(const Launch& launch);
Occupancy occupancy_of(const Launch& launch);
Estimate estimate_of(const Launch& launch, const Counters& counters, const Occupancy& occupancy);

}  // namespace tenon::runtime::sim
