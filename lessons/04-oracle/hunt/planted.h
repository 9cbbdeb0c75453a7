// Wrong compilers for the exercise `bugs`: rewrites of the typed tree that an optimizer could make,
// each of them right on most programs. What they make runs in the same interpreter, so whatever
// comes out differently is the rewrite's fault.
#pragma once
#include <string_view>

#include "ast/typed.h"

namespace tenon::lessons {

inline constexpr int kBugs = 8;

/// Compiles wrongly, as bug number `bug` (1 to kBugs) has it.
void miscompile(ast::typed::Program& program, int bug);

/// What is wrong with it, for somebody who has found it.
std::string_view about(int bug);

}  // namespace tenon::lessons
