// From a file to LLVM IR text.
#pragma once
#include <functional>
#include <thread>

#include "backend/backend.h"
#include "driver/session.h"

namespace tenon::driver {

backend::Options backend_options(const Session& session);
/// Of the file on the command line; alone if it is to have --export's functions.
backend::Generated generate_llvm(Session& session);
/// The same of a module, to run without Tenon.
backend::Generated generate_alone(Session& session, const ir::Module& module);
/// Gets ready in a thread what is the same for all programs, so that it takes no time of the front end's:
/// the rules of simplify, and LLVM. Keep what it gives until the work is done: it waits when it goes, for a
/// process must not end while libraries open.
[[nodiscard]] std::jthread prepare_ahead();
/// Runs `work`; LLVM missing is exit status 1 with what to install, LLVM refusing our text a bug.
void with_llvm(const std::function<void()>& work);

}  // namespace tenon::driver
