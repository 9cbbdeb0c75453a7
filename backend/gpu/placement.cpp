#include "backend/gpu/placement.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/gpu/launch.h"
#include "backend/nest_facts.h"
#include "backend/scalar_to_llvm.h"
#include "opt/loops/matrix.h"
#include "opt/loops/private.h"
#include "opt/loops/shared_memory.h"

namespace tenon::backend::gpu {

using ir::FuncId;
using ir::Op;
using ir::loops::Kernel;
using ir::loops::SetLocal;
using runtime::DeviceKernel;
using runtime::ScalarOp;

namespace {

bool asks_library(ScalarOp op, runtime::DType operand) {
  return runtime::is_floating(operand) && is_library(op);
}

/// Whether an instruction of a scalar function is one of a GPU's threads.
bool is_scalar_code(const ir::Module& module, const ir::Function& function, const ir::Inst& inst) {
  switch (inst.op) {
    case Op::apply:
      return !asks_library(inst.get<ScalarOp>(), module.type(function, inst.args.back()).dtype);
    case Op::constant:
    case Op::convert:
    case Op::call:
    case Op::jump:
    case Op::branch:
    case Op::ret: return true;
    default: return false;
  }
}

/// Why a function that kernels call is not for a GPU.
std::string why_not_on_gpu(const ir::Module& module, const ir::Function& function) {
  if (function.recursive) return fmt::format("`{}` calls itself", function.name);
  for (const ir::Block& block : function.blocks)
    for (const ir::Inst& inst : block.insts) {
      if (is_scalar_code(module, function, inst)) continue;
      if (inst.op != Op::apply) return fmt::format("`{}` works on tensors", function.name);
      return fmt::format("`{}` asks the C library for `{}`", function.name, runtime::row(inst.get<ScalarOp>()).text);
    }
  return "";
}

/// Depth first; a recursive function's own callees are left out.
void add_callees(const ir::Module& module, FuncId function, std::vector<FuncId>& all) {
  std::vector<std::pair<FuncId, bool>> todo{{function, false}};
  while (!todo.empty()) {
    const auto [next, done] = todo.back();
    todo.pop_back();
    if (std::ranges::find(all, next) != all.end()) continue;
    if (done || module.function(next).recursive) {
      all.push_back(next);
      continue;
    }
    todo.emplace_back(next, true);
    ir::for_each_callee(module.function(next), [&](FuncId callee) { todo.emplace_back(callee, false); });
  }
}

std::vector<DeviceKernel::Of> params_of(const Kernel& kernel) {
  using Param = DeviceKernel::Param;
  std::vector<DeviceKernel::Of> params;
  for (size_t i = 0; i < kernel.buffers.size(); ++i) {
    const ir::Type& type = kernel.buffers[i].type;
    const Param output = type.is_scalar() ? Param::result : Param::output;
    params.push_back({kernel.is_output(i) ? output : Param::input, bytes_of(type), type.dtype, kernel.buffers[i].name});
  }
  for (const ir::loops::ScalarParam& scalar : kernel.scalars)
    params.push_back({Param::scalar, runtime::row(scalar.type).bytes, scalar.type, scalar.name});
  return params;
}

}  // namespace

std::vector<FuncId> callees_of(const ir::Module& module, const Kernel& kernel) {
  std::vector<FuncId> all;
  for_each_stmt(kernel.body, [&](const ir::loops::Stmt& stmt) {
    if (const auto* call = std::get_if<ir::loops::CallInto>(&stmt.node))
      add_callees(module, call->callee, all);
  });
  return all;
}

std::string why_not_on_gpu(const ir::Module& module, const Kernel& of_block) {
  const Kernel kernel = opt::loops::fragmented(opt::loops::privatized(of_block));  // a thread's part
  std::string why;
  const auto found = [&](std::string reason) {
    if (why.empty()) why = std::move(reason);
  };
  for (const FuncId callee : callees_of(module, kernel)) found(why_not_on_gpu(module, module.function(callee)));
  for_each_node(kernel.body, [&](const ExprPtr& e) {
    const auto* apply = std::get_if<ir::loops::Apply>(&e->node);
    if (apply != nullptr && asks_library(apply->op, apply->args.back()->type))
      found(fmt::format("it asks the C library for `{}`", runtime::row(apply->op).text));
  });
  for_each_stmt(kernel.body, [&](const ir::loops::Stmt& stmt) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    if (set == nullptr || !set->declares || kernel.shared.contains(set->local)) return;
    if (const int64_t bytes = bytes_of(kernel.locals[set->local]); bytes > kStackBytes)
      found(fmt::format("`{}` takes {} bytes of a thread, which has {}", ir::loops::local_name(set->local), bytes,
                        kStackBytes));
  });
  return why;
}

Placement::Placement(const ir::Module& module, const std::vector<Kernel>& kernels) {
  for (const Kernel& kernel : kernels) {
    const std::string why_not = why_not_on_gpu(module, kernel);
    const bool on_gpu = why_not.empty();
    const auto number = static_cast<int32_t>(kernels_.size());
    placed_.emplace(kernel.name, Placed{number, on_gpu, !on_gpu || kernel.may_fail});
    DeviceKernel made{on_gpu ? entry_name(kernel.name) : ""};
    const opt::loops::SharedMemory shared = opt::loops::shared_memory(kernel);
    const Launch launch = launch_of(kernel);
    made.size = {launch.blocks, launch.threads, shared.is_dynamic() ? shared.bytes : 0};
    if (!on_gpu) made.on_host = fmt::format("kernel {} runs on the host: {}", kernel.name, why_not);
    made.params = params_of(kernel);
    made.may_fail = kernel.may_fail;
    made.takes_context = takes_context(kernel);
    kernels_.push_back(std::move(made));
  }
}

}  // namespace tenon::backend::gpu
