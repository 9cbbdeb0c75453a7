// What the targets of `tenon run` share.
#pragma once
#include <functional>

#include "ast/run_error.h"
#include "driver/session.h"
#include "runtime/context.h"

namespace tenon::driver {

/// Runs a compiled program as the options say (--time: several times, the first one's output kept),
/// and ends the invocation with the rendered error if it fails.
void execute(Session& session, const std::function<void(runtime::Context&)>& program);

}  // namespace tenon::driver
