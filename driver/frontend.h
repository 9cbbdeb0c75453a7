// From a file to a tree, and to a checked program.
#pragma once
#include "ast/check.h"
#include "ast/tree.h"
#include "ast/typed.h"
#include "driver/session.h"

namespace tenon::driver {

/// The file named on the command line as a tree.
ast::Program parse_root(Session& session);
/// That file and all that it imports, checked together with the prelude (ast/check.h). Ends the
/// invocation on errors.
ast::typed::Program check_program(Session& session, bool needs_main = true,
                                  ast::Unreached* unreached = nullptr);
/// The same, but what is wrong is left in session.diagnostics. Throws ast::BadDefine.
ast::typed::Program diagnose_program(Session& session, bool needs_main, ast::Unreached* unreached = nullptr);

}  // namespace tenon::driver
