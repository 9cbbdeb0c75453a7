// A module as LLVM IR: the kernels and functions, the entry, and what they share.
#include <algorithm>

#include "backend/backend.h"
#include "backend/declarations.h"
#include "backend/loops_to_llvm.h"
#include "backend/ssa_to_llvm.h"

namespace tenon::backend {
namespace {

using ir::loops::Kernel;

/// `i32 tenon_main(context)`: whether main failed.
std::string entry(ModuleText& module_text, const ir::Module& module,
                  const Conventions& conventions) {
  FunctionText out(module_text);
  out.fresh("context");
  out.label(out.fresh("entry"));
  const std::string depth = module.function(module.main).recursive ? "1" : "0";
  write_call(out, symbol("fn." + module.function(module.main).name), conventions.of(module.main),
             {}, {}, depth, {});
  out.line("ret i32 0");
  return out.definition("i32 @tenon_main(ptr %context)", "ret i32 1");
}

}  // namespace

std::vector<opt::loops::Scheduled> lower_kernels(const ir::Module& module, const Options& options) {
  std::vector<opt::loops::Scheduled> kernels;
  for (const ir::Function& function : module.functions) {
    int number = 0;
    for (const ir::Block& block : function.blocks)
      for (const ir::Inst& inst : block.insts)
        if (inst.op == ir::Op::compute) {
          Kernel kernel = ir::loops::lower(module, function, inst,
                                           fmt::format("{}.{}", function.name, number++));
          if (options.level < 2) kernels.push_back({std::move(kernel), {}});
          else
            kernels.push_back(opt::loops::choose(std::move(kernel), opt::loops::host(), {options.strict}));
        }
  }
  return kernels;
}

Generated generate(const ir::Module& module, const Options& options) {
  std::vector<Kernel> kernels;
  for (opt::loops::Scheduled& scheduled : lower_kernels(module, options))
    kernels.push_back(std::move(scheduled.kernel));
  const Conventions conventions(module);
  const opt::UniqueOwners owners(module);
  ModuleText shared;
  std::string body;
  std::span<const Kernel> left = kernels;
  for (const ir::Function& function : module.functions) {
    size_t count = 0;
    for (const ir::Block& block : function.blocks)
      count += std::count_if(block.insts.begin(), block.insts.end(),
                             [](const ir::Inst& inst) { return inst.op == ir::Op::compute; });
    const std::span<const Kernel> own = left.first(count);
    left = left.subspan(count);
    for (const Kernel& kernel : own)
      body += write_kernel(shared, module, conventions, kernel, options.strict) + "\n";
    body += write_function(shared, module, conventions, owners, function, own, options.strict) + "\n";
  }
  if (module.main) body += entry(shared, module, conventions) + "\n";
  return {module_of(shared, body), shared.take_sites()};
}

}  // namespace tenon::backend
