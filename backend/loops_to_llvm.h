// Kernels as LLVM functions.
#pragma once
#include <string>

#include "backend/calls.h"
#include "opt/memory/plan.h"

namespace tenon::backend {

/// What runs a kernel. On a GPU the loops over blocks and threads are what its hardware does; elsewhere
/// they are loops.
enum class Processor : uint8_t { cpu, gpu };

/// Whether a kernel is in final form, so that LLVM's passes would find nothing to do, and calls no
/// function that they might inline.
bool stands_alone(const ir::loops::Kernel& kernel);

/// `define internal void @kernel.main.0(ptr %context, ptr %x, …, ptr %out, float %s) { … }`; `define
/// hidden …` of one that stands alone, which other modules call. For a GPU: `define ptx_kernel void
/// @main_0(ptr %x, …, ptr %out, float %s, ptr %context) { … }`, where the context, which only those have
/// that need it, is a word that tells of a fault. `in_place`: the inputs that outputs overwrite.
std::string write_kernel(ModuleText& module_text, const ir::Module& module,
                         const Conventions& conventions, const ir::loops::Kernel& kernel,
                         std::span<const opt::memory::MemoryPlan::InPlace> in_place, bool strict,
                         Processor processor = Processor::cpu);

}  // namespace tenon::backend
