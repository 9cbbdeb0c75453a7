// What the targets of `tenon run` share.
#pragma once
#include <filesystem>
#include <functional>

#include "ast/run_error.h"
#include "driver/session.h"
#include "runtime/context.h"

namespace tenon::driver {

/// Runs a compiled program as the options say (--time: several times, the first one's output kept),
/// and ends the invocation with the rendered error if it fails.
void execute(Session& session, const std::function<void(runtime::Context&)>& program);

/// Where load() looks.
std::filesystem::path data_folder(const Options& options);

/// On cpu with --profile.
void run_profiled(Session& session);

/// Prints a run-time error.
void show_failure(Session& session, const ast::RunError& error);

/// The text of a `main` that calls --call's function with what --in names and saves to --out.
std::string call_text(Session& session, const ast::Program& program);

}  // namespace tenon::driver
