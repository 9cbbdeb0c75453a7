// Kernels as LLVM functions.
#pragma once
#include <string>

#include "backend/calls.h"

namespace tenon::backend {

/// `define internal void @kernel.main.0(ptr %context, ptr %x, …, ptr %out, float %s) { … }`
std::string write_kernel(ModuleText& module_text, const ir::Module& module,
                         const Conventions& conventions, const ir::loops::Kernel& kernel,
                         bool strict);

}  // namespace tenon::backend
