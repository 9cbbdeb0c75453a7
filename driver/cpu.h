// From a file to LLVM IR text.
#pragma once
#include <functional>

#include "backend/backend.h"
#include "driver/session.h"

namespace tenon::driver {

backend::Options backend_options(const Session& session);
backend::Generated generate_llvm(Session& session);
/// Runs `work`; LLVM missing is exit status 1 with what to install, LLVM refusing our text a bug.
void with_llvm(const std::function<void()>& work);

}  // namespace tenon::driver
