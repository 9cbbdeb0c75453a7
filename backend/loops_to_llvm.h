// Kernels as LLVM functions.
#pragma once
#include <string>

#include "backend/calls.h"

namespace tenon::backend {

/// Whether a kernel is in final form, so that LLVM's passes would find nothing to do, and calls no
/// function that they might inline.
bool stands_alone(const ir::loops::Kernel& kernel);

/// `define internal void @kernel.main.0(ptr %context, ptr %x, …, ptr %out, float %s) { … }`; `define
/// hidden …` of one that stands alone, which other modules call.
std::string write_kernel(ModuleText& module_text, const ir::Module& module,
                         const Conventions& conventions, const ir::loops::Kernel& kernel,
                         bool strict);

}  // namespace tenon::backend
