// A module as LLVM IR: the kernels and functions, the entry, and what they share.
#include <algorithm>
#include <optional>

#include "backend/backend.h"
#include "backend/declarations.h"
#include "backend/exports.h"
#include "backend/gpu/placement.h"
#include "backend/loops_to_llvm.h"
#include "backend/ssa_to_llvm.h"

namespace tenon::backend {
namespace {

using ir::loops::Kernel;

/// `i32 tenon_main(context)`: whether main failed.
std::string entry(ModuleText& module_text, const ir::Module& module, const Conventions& conventions,
                  std::string_view linkage) {
  FunctionText out(module_text);
  out.fresh("context");
  out.label(out.fresh("entry"));
  const std::string depth = module.function(module.main).recursive ? "1" : "0";
  write_call(out, symbol("fn." + module.function(module.main).name), conventions.of(module.main),
             {}, {}, depth, {});
  out.line("ret i32 0");
  return out.definition(fmt::format("{}i32 @tenon_main(ptr %context)", linkage), "ret i32 1");
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
          if (!options.gpu.empty())
            kernels.push_back(opt::loops::choose_gpu(std::move(kernel), {options.strict}));
          else if (options.level < 2) kernels.push_back({std::move(kernel), {}});
          else
            kernels.push_back(opt::loops::choose(std::move(kernel), opt::loops::host(), {options.strict}));
        }
  }
  return kernels;
}

namespace {

/// Kernels on their own are put together in modules of about so much text.
constexpr size_t kPartBytes = 16 << 10;

class Generator {
 public:
  Generator(const ir::Module& module, const Options& options, const gpu::Placement* on_gpu = nullptr)
      : module_(module), options_(options), on_gpu_(on_gpu), conventions_(module) {}

  /// `alone` if it is to run without Tenon.
  Generated run(const Alone* alone) {
    std::vector<Kernel> kernels;
    if (on_gpu_ != nullptr) {
      kernels = ir::loops::lower(module_);
    } else {
      for (opt::loops::Scheduled& scheduled : lower_kernels(module_, options_))
        kernels.push_back(std::move(scheduled.kernel));
    }
    const opt::UniqueOwners owners(module_);
    std::optional<Exports> exports;
    if (alone != nullptr) exports.emplace(shared_, module_, conventions_, owners, *alone);
    std::span<const Kernel> left = kernels;
    for (size_t f = 0; f < module_.functions.size(); ++f) {
      const ir::Function& function = module_.functions[f];
      size_t count = 0;
      for (const ir::Block& block : function.blocks)
        count += std::count_if(block.insts.begin(), block.insts.end(),
                               [](const ir::Inst& inst) { return inst.op == ir::Op::compute; });
      const std::span<const Kernel> own = left.first(count);
      left = left.subspan(count);
      for (const Kernel& kernel : own)
        if (on_gpu_ == nullptr || on_gpu_->of(kernel).on_host) add(kernel);
      add(write_function(shared_, module_, conventions_, owners, function, own,
                         exports ? exports->placed()[f] : std::vector<ir::ValueId>(),
                         options_.strict, on_gpu_));
    }
    if (module_.main) add(entry(shared_, module_, conventions_, exports ? "internal " : ""));
    if (exports) add(exports->write_all());
    return take();
  }

 private:
  void add(const std::string& text) {
    all_ += text + "\n";
    main_ += text + "\n";
  }
  void add(const Kernel& kernel) {
    const std::string text = write_kernel(shared_, module_, conventions_, kernel, options_.strict);
    if (!stands_alone(kernel)) return add(text);
    all_ += text + "\n";
    declared_ += declaration(text);
    if (alone_.empty() || alone_.back().size() > kPartBytes) alone_.emplace_back();
    alone_.back() += text + "\n";
  }

  Generated take() {
    Generated generated{module_of(shared_, all_), {}, {}};
    if (!alone_.empty()) {
      generated.parts.push_back({module_of(shared_, main_ + declared_), false});
      for (const std::string& text : alone_)
        generated.parts.push_back({module_of(shared_, text), true});
    }
    generated.sites = shared_.take_sites();
    return generated;
  }

  const ir::Module& module_;
  const Options& options_;
  const gpu::Placement* on_gpu_;
  const Conventions conventions_;
  ModuleText shared_;
  std::string all_, main_, declared_;
  std::vector<std::string> alone_;
};

}  // namespace

Generated generate(const ir::Module& module, const Options& options) {
  return Generator(module, options).run(nullptr);
}

Generated generate_host(const ir::Module& module, const Options& options,
                        const gpu::Placement& placement) {
  return Generator(module, options, &placement).run(nullptr);
}

Generated generate_alone(const ir::Module& module, const Options& options, const Alone& alone) {
  return Generator(module, options).run(&alone);
}

}  // namespace tenon::backend
