// SSA functions as LLVM functions.
#pragma once
#include <span>
#include <string>

#include "backend/calls.h"
#include "backend/gpu/placement.h"
#include "opt/analysis/unique_owners.h"

namespace tenon::backend {

/// `define internal ptr @fn.layer(ptr %context, ptr %x, …) { … }`. `kernels` are those of the
/// function's computes in order. Updates that `owners` proves to be in place are only stores. For each
/// value of `placed` (placed_results.h) the function has a parameter more, the memory that it lies in.
/// `on_gpu`: where kernels go that are not called but launched; null where there is no GPU.
std::string write_function(ModuleText& module_text, const ir::Module& module,
                           const Conventions& conventions, const opt::UniqueOwners& owners,
                           const ir::Function& function, std::span<const ir::loops::Kernel> kernels,
                           std::span<const ir::ValueId> placed, bool strict,
                           const gpu::Placement* on_gpu = nullptr);

}  // namespace tenon::backend
