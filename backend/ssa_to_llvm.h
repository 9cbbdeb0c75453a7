// SSA functions as LLVM functions.
#pragma once
#include <optional>
#include <span>
#include <string>

#include "backend/calls.h"
#include "backend/gpu/placement.h"
#include "opt/analysis/unique_owners.h"
#include "opt/memory/plan.h"

namespace tenon::backend {

/// `define internal ptr @fn.layer(ptr %context, ptr %frame, ptr %x, …, ptr %result) { … }`. `kernels`
/// are those of the function's computes in order. Updates that `owners` proves to be in place are only
/// stores. What the plan has placed lies in the frame, a parameter where there is one, or in the memory
/// that the parameters behind the function's own point to, one for each placed result. `on_gpu`: where
/// kernels go that are not called but launched; null where there is no GPU. `timed`: the number of the first
/// kernel, if times are to be taken of them.
std::string write_function(ModuleText& module_text, const ir::Module& module,
                           const Conventions& conventions, const opt::UniqueOwners& owners,
                           const opt::memory::MemoryPlan& plan, const ir::Function& function,
                           std::span<const ir::loops::Kernel> kernels, bool strict,
                           const gpu::Placement* on_gpu = nullptr,
                           std::optional<size_t> timed = {});

/// In a function for the outside: a block for the frame of `plan`, a `ptr`; leaves if there is no memory.
std::string write_frame(FunctionText& out, const opt::memory::FunctionPlan& plan);

}  // namespace tenon::backend
