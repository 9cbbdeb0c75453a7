// From a file to a tree, and to a checked program.
#pragma once
#include "ast/tree.h"
#include "ast/typed.h"
#include "driver/session.h"

namespace tenon::driver {

/// Parses the program named on the command line. Ends the invocation on errors.
ast::Program parse_program(Session& session);
/// The same, checked together with the prelude.
ast::typed::Program check_program(Session& session, bool needs_main = true);

}  // namespace tenon::driver
