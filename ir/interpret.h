// The SSA interpreter: runs a module after any pass, so that a wrong pass is found by name.
#pragma once
#include "ast/run_error.h"
#include "ir/ir.h"
#include "runtime/context.h"

namespace tenon::ir {

/// Runs main of a verified module. Throws ast::RunError. Tensors that a `drop` freed are marked: a
/// later use is an internal error, so that the ownership pass is tested too.
void interpret(const Module& module, runtime::Context& context);

}  // namespace tenon::ir
