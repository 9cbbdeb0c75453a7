// From a file to SSA functions: a Tenon program lowered, or IR text (a file ending in .ir) read.
#pragma once
#include "ast/typed.h"
#include "driver/session.h"
#include "ir/ir.h"

namespace tenon::driver {

/// Verified, before any pass. Ends the invocation on errors.
ir::Module load_module(Session& session);
/// The same of a program that has been checked, with its schedules and those of --schedule.
ir::Module lower_checked(Session& session, ast::typed::Program program);
/// The same, but tells `lost` of the schedules that find no nest, and goes on.
ir::Module lower_checked(Session& session, ast::typed::Program program, lexer::Diagnostics& lost);
/// IR text alone, for `tenon opt`.
ir::Module parse_ir(Session& session);
/// The module after the pipeline of the -O level, or after --passes.
ir::Module load_optimized(Session& session);
/// The same in the form that the backend takes. Throws UsageError if the options do not lead to it.
ir::Module load_owned(Session& session);

}  // namespace tenon::driver
