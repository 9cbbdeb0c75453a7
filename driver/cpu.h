// From a file to LLVM IR text.
#pragma once
#include <functional>

#include "backend/backend.h"
#include "driver/session.h"

namespace tenon::driver {

backend::Options backend_options(const Session& session);
/// Of the file on the command line; alone if it is to have --export's functions.
backend::Generated generate_llvm(Session& session);
/// The same of a module, to run without Tenon.
backend::Generated generate_alone(Session& session, const ir::Module& module);
/// Runs `work`; LLVM missing is exit status 1 with what to install, LLVM refusing our text a bug.
void with_llvm(const std::function<void()>& work);

}  // namespace tenon::driver
