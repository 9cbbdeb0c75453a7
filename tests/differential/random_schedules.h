// Schedules that nobody would write: directives drawn from the loops that are there, kept where they are
// allowed.
#pragma once
#include <cstdint>

#include "ir/ir.h"
#include "opt/loops/directive.h"

namespace tenon::differential {

struct DrawnSchedules {
  int64_t applied = 0, refused = 0;  ///< directives
};

/// Gives every compute of the module that has none a schedule of up to `most` directives; which, the seed
/// decides. What each leaves verifies: else std::logic_error.
DrawnSchedules draw_schedules(ir::Module& module, uint64_t seed, opt::loops::Mode mode, size_t most = 8);

}  // namespace tenon::differential
