// The SSA interpreter: runs a module after any pass, so that a wrong pass is found by name.
#pragma once
#include "ast/run_error.h"
#include "ir/counts.h"
#include "ir/interpret_body.h"
#include "ir/ir.h"
#include "runtime/context.h"

namespace tenon::ir {

namespace loops {
class KernelEngine;
}

/// Runs main of a verified module. Throws ast::RunError. Tensors that a `drop` freed are marked: a
/// later use is an internal error, so that the ownership pass is tested too.
void interpret(const Module& module, runtime::Context& context);
/// The same, and adds up what it takes; after a failure, what it took until then. With `kernels`
/// (loops_interpret.h) computes run by their loop nests, and what that takes is theirs to count.
void interpret(const Module& module, runtime::Context& context, Counts& counts,
               loops::KernelEngine* kernels = nullptr);

/// What one instruction of a function without owners gives whose operands are set in `frame`: a compute,
/// or a call of a pure function. Nothing if it fails, reads a file, calls a recursive function (whose
/// depth is counted from main), or takes more than `steps`: nodes and instructions, which are counted
/// down.
std::optional<std::vector<Slot>> evaluate(const Module& module, const Function& function,
                                          const Frame& frame, const Inst& inst, int64_t& steps);

}  // namespace tenon::ir
