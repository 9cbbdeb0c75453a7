// What a module of LLVM IR needs beside its functions.
#pragma once
#include <string>
#include <string_view>

#include "backend/llvm_text.h"

namespace tenon::backend {

/// The whole module: constants, `functions`, and declarations of what of the runtime they call.
std::string module_of(const ModuleText& shared, std::string_view functions);

}  // namespace tenon::backend
