// A module as LLVM IR: the kernels and functions, the entry, and what they share.
#include <algorithm>
#include <set>

#include "backend/backend.h"
#include "backend/loops_to_llvm.h"
#include "backend/ssa_to_llvm.h"
#include "runtime/abi.h"

namespace tenon::backend {
namespace {

using ir::loops::Kernel;

/// runtime/abi.h as LLVM declares it: before the name, the name, and behind it.
struct Declaration {
  std::string_view result, name, rest;
};
#define PURE " nounwind willreturn memory(none)"
#define MATH(name)                                         \
  {"float", "tn_" #name "_f32", "(float)" PURE},           \
  {"double", "tn_" #name "_f64", "(double)" PURE},
constexpr Declaration kDeclarations[] = {
    {"noalias ptr", "tn_alloc", "(ptr, i64, i32) nounwind"},
    {"void", "tn_share", "(ptr) nounwind"},
    {"void", "tn_drop", "(ptr, ptr) nounwind"},
    {"ptr", "tn_own", "(ptr, ptr, i64, i32) nounwind cold"},  // called only where it must copy
    {"void", "tn_fail", "(ptr, i32, i32, i64, i64, ptr) nounwind cold"},
    {"void", "tn_print_text", "(ptr, ptr, i64) nounwind"},
    {"void", "tn_print_int", "(ptr, i32, i64) nounwind"},
    {"void", "tn_print_float", "(ptr, i32, double) nounwind"},
    {"void", "tn_print_tensor", "(ptr, i32, i32, ptr, ptr) nounwind"},
    {"void", "tn_print_end", "(ptr) nounwind"},
    {"ptr", "tn_load", "(ptr, i32, ptr, ptr, i32, i32, ptr) nounwind"},
    {"void", "tn_write", "(ptr, ptr, i64) nounwind"},
    {"i32", "tn_save", "(ptr, i32, ptr, i32, i32, ptr, ptr) nounwind"},
    TN_MATH(MATH)
    {"float", "tn_pow_f32", "(float, float)" PURE},
    {"double", "tn_pow_f64", "(double, double)" PURE},
};
#undef MATH
#undef PURE

/// The declarations of the runtime's functions that `text` calls. LLVM knows its own (llvm.…).
std::string declarations(std::string_view text) {
  std::set<std::string_view> called;
  constexpr std::string_view prefix = " @tn_";
  for (size_t at = text.find(prefix); at != text.npos; at = text.find(prefix, at + 1)) {
    const size_t name = at + 2, end = std::min(text.find('(', name), text.size());
    called.insert(text.substr(name, end - name));
  }
  std::string lines;
  for (const Declaration& d : kDeclarations)
    if (called.contains(d.name))
      lines += fmt::format("declare {} @{}{}\n", d.result, d.name, d.rest);
  return lines;
}

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

std::vector<Kernel> lower_kernels(const ir::Module& module) {
  std::vector<Kernel> kernels;
  for (const ir::Function& function : module.functions) {
    int number = 0;
    for (const ir::Block& block : function.blocks)
      for (const ir::Inst& inst : block.insts)
        if (inst.op == ir::Op::compute)
          kernels.push_back(ir::loops::lower(module, function, inst,
                                             fmt::format("{}.{}", function.name, number++)));
  }
  return kernels;
}

Generated generate(const ir::Module& module, const Options& options) {
  const std::vector<Kernel> kernels = lower_kernels(module);
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
  const std::string& constants = shared.constants();
  return {constants + (constants.empty() ? "" : "\n") + body + declarations(body),
          shared.take_sites()};
}

}  // namespace tenon::backend
