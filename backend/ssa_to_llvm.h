// SSA functions as LLVM functions.
#pragma once
#include <span>
#include <string>

#include "backend/calls.h"

namespace tenon::backend {

/// `define internal ptr @fn.layer(ptr %context, ptr %x, …) { … }`. `kernels` are those of the
/// function's computes in order.
std::string write_function(ModuleText& module_text, const ir::Module& module,
                           const Conventions& conventions, const ir::Function& function,
                           std::span<const ir::loops::Kernel> kernels, bool strict);

}  // namespace tenon::backend
