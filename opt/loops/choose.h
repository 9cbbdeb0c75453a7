// The compiler's own choice of a schedule: which directives, with which factors. What it decides by is
// written down where it is decided; `tenon emit schedule` prints what came out.
#pragma once
#include "ir/ir.h"
#include "opt/loops/directive.h"
#include "opt/loops/machine.h"

namespace tenon::opt::loops {

/// A nest as ir::loops::lower() made it, and the schedule that was applied to it: empty where none is
/// known to help.
struct Scheduled {
  Kernel kernel;
  ir::Schedule schedule;
};
Scheduled choose(Kernel kernel, const Machine& machine, Mode mode);

/// The same for a GPU. Every kernel gets one, unless it has no loop that blocks and threads could share.
Scheduled choose_gpu(Kernel kernel, Mode mode);

// ---- by kind of nest, a file each; empty if it is of another kind

ir::Schedule choose_product(const Kernel& kernel, const Machine& machine, Mode mode);
ir::Schedule choose_rows(const Kernel& kernel, const Machine& machine, Mode mode);

}  // namespace tenon::opt::loops
