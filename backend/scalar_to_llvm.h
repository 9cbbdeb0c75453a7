// Scalar operations as LLVM instructions, for SSA functions and kernels alike.
#pragma once
#include <span>
#include <string>

#include "backend/recipe.h"
#include "runtime/scalar.h"

namespace tenon::backend {

/// Whether, on floats, it is a function of the C library.
bool is_library(runtime::ScalarOp op);

/// `result = op(args)`, which must not divide an integer by zero. `type` is that of the operands
/// (of `select`: the second). With lanes, all arguments have them or are constants.
void write_scalar(FunctionText& out, const std::string& result, runtime::ScalarOp op, DType type,
                  std::span<const std::string> args, FastMath fast = {}, Lanes lanes = {});
/// `result = to(arg)`.
void write_convert(FunctionText& out, const std::string& result, DType from, DType to,
                   const std::string& arg, Lanes lanes = {});

}  // namespace tenon::backend
