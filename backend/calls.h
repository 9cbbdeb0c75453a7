// How generated functions call each other.
//
//   define internal { float, i1 } @fn.f(ptr %context, i64 %depth, float %x)
//
// Several results are one struct. Whatever may fail gives, behind its results, a flag: it failed,
// the context holds the fault, return at once. Whatever can reach a recursive function takes the
// number of active calls of recursive functions. Both only where needed: the rest are plain
// functions to LLVM.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "backend/llvm_text.h"
#include "ir/ir.h"
#include "ir/loops.h"

namespace tenon::backend {

struct Convention {
  bool fails = false;  ///< returns the flag
  bool deep = false;   ///< takes the depth
};

/// The conventions of a module's functions and kernels.
class Conventions {
 public:
  explicit Conventions(const ir::Module& module);
  Convention of(ir::FuncId f) const { return functions_[f.index]; }
  Convention of(const ir::loops::Kernel& kernel) const;

 private:
  std::vector<Convention> functions_;
};

/// Which values of a function are constants, and what SSA instructions therefore need no check.
class Constants {
 public:
  Constants(const ir::Module& module, const ir::Function& function);
  const Scalar* find(ir::ValueId value) const { return values_[value.index]; }
  /// An apply divides integers by what may be zero.
  bool may_divide_by_zero(const ir::Inst& apply) const;
  bool may_leave_range(ir::ValueId subscript, int64_t extent) const;
  /// The same for any subscript of an element or update.
  bool may_leave_range(const ir::Inst& inst) const;

 private:
  const ir::Module& module_;
  const ir::Function& function_;
  std::vector<const Scalar*> values_;  ///< null: not a constant
};

/// A function's results as LLVM types, in order.
using ResultTypes = std::vector<std::string_view>;
ResultTypes result_types(const ir::Module& module, const ir::Function& function);

/// What a call returns: the results, then the flag; `float`, `i1` or `void` if that is one thing or
/// none, else a struct.
std::string result_type(const ResultTypes& values, Convention convention);
/// The instruction that returns `values`, or "failed".
std::string return_values(const ResultTypes& types, std::span<const std::string> values,
                          Convention convention, FunctionText& out);
std::string return_failed(const ResultTypes& types, Convention convention);

/// Calls function or kernel `callee` of the convention, leaves if it failed. `results` become its
/// values; `args` are typed (`float %x`); `depth` is passed where the callee wants it.
void write_call(FunctionText& out, const std::string& callee, Convention convention,
                std::span<const std::string> results, const ResultTypes& types,
                const std::string& depth, std::span<const std::string> args);
/// The same for a function of the module, from a place where `depth` recursive calls are active.
void write_function_call(FunctionText& out, const ir::Module& module,
                         const Conventions& conventions, ir::FuncId callee,
                         std::span<const std::string> results, const std::string& depth,
                         std::span<const std::string> args, Span span);

}  // namespace tenon::backend
