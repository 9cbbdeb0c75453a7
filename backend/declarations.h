// What a module of LLVM IR needs beside its functions.
#pragma once
#include <string>
#include <string_view>

#include "backend/llvm_text.h"

namespace tenon::backend {

/// A whole module: `functions`, the constants that they use, and declarations of what of the runtime
/// and of the shared functions they call.
std::string module_of(const ModuleText& shared, std::string_view functions);
/// How another module declares a function of which this is the text.
std::string declaration(std::string_view function);

}  // namespace tenon::backend
