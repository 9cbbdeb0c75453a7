// The memory plan as a picture: from left to right the steps of a function, and when each piece of its
// frame is needed.
#pragma once
#include <string>

#include "opt/memory/plan.h"

namespace tenon::opt::memory {

/// Of every function that has tensors to place: what its frame holds, at which offset and in which steps,
/// and what is left to the runtime, and why.
///
///   memory @main: a frame of 1024 bytes, 1000 live at once
///        offset      bytes    0       8
///             0        512   |####....|  %a
std::string draw(const ir::Module& module, const MemoryPlan& plan);

/// The same as SVG: upward the offset, so that what shares memory stands side by side.
std::string draw_svg(const ir::Module& module, const MemoryPlan& plan);

}  // namespace tenon::opt::memory
