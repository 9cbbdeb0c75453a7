// Whether a memory plan is right, found without what made it: no webs, lifetimes or packing, but liveness
// value by value. Tests run it over everything they compile.
#pragma once
#include <string>
#include <vector>

#include "opt/memory/plan.h"

namespace tenon::opt::memory {

/// What is wrong with it, a line each: two tensors that are needed at one moment and overlap, a place
/// outside the frame, a tensor that moves as it is handed on.
std::vector<std::string> verify(const ir::Module& module, std::span<const ir::loops::Kernel> kernels,
                                const MemoryPlan& plan);

}  // namespace tenon::opt::memory
