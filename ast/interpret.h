// The tree interpreter: slow, obviously right. It is the language's definition; every other engine
// is tested against it.
#pragma once
#include "ast/observer.h"
#include "ast/run_error.h"
#include "ast/typed.h"
#include "runtime/context.h"

namespace tenon::ast {

/// Runs main. Throws RunError. Call it on a large stack (runtime::run_on_large_stack).
void interpret(const typed::Program& program, runtime::Context& context,
               typed::Observer* observer = nullptr);

}  // namespace tenon::ast
