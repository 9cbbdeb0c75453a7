// Scalar operations as LLVM instructions, for SSA functions and kernels alike.
#pragma once
#include <span>
#include <string>

#include "backend/llvm_text.h"
#include "runtime/scalar.h"

namespace tenon::backend {

/// What a float addition or multiplication may do beyond IEEE 754: nothing under --strict.
struct FastMath {
  bool contract = false;  ///< a product and the sum that it goes into: fuse
  bool reassoc = false;   ///< a step of a reduction: take in any order
};

/// `result = op(args)`, which must not divide an integer by zero. `type` is that of the operands
/// (of `select`: the second).
void write_scalar(FunctionText& out, const std::string& result, runtime::ScalarOp op, DType type,
                  std::span<const std::string> args, FastMath fast = {});
/// `result = to(arg)`.
void write_convert(FunctionText& out, const std::string& result, DType from, DType to,
                   const std::string& arg);

/// Elements in memory: a bool is a byte there and a bit in a register.
void write_load(FunctionText& out, const std::string& result, DType type, const std::string& from);
void write_store(FunctionText& out, DType type, const std::string& value, const std::string& to);
/// The address of an element whose subscripts are in range.
std::string write_address(FunctionText& out, const ir::Type& tensor, const std::string& base,
                          std::span<const std::string> subscripts);

}  // namespace tenon::backend
