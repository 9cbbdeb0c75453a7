// A module as LLVM IR: the kernels and functions, the entry, and what they share.
#include <algorithm>
#include <optional>
#include <stdexcept>

#include "backend/backend.h"
#include "backend/debug_info.h"
#include "backend/declarations.h"
#include "backend/exports.h"
#include "backend/gpu/placement.h"
#include "backend/loops_to_llvm.h"
#include "backend/ssa_to_llvm.h"
#include "opt/memory/verify.h"

namespace tenon::backend {
namespace {

using ir::loops::Kernel;

/// `i32 tenon_main(context)`: whether main failed.
std::string entry(ModuleText& module_text, const ir::Module& module, const Conventions& conventions,
                  const opt::memory::MemoryPlan& plan, std::string_view linkage) {
  FunctionText out(module_text);
  out.at(module.function(module.main).span, "tenon_main");
  out.fresh("context");
  out.label(out.fresh("entry"));
  const std::string depth = module.function(module.main).recursive ? "1" : "0";
  std::vector<std::string> args;
  const bool has_frame = plan.of(module.main).frame_bytes > 0;
  if (has_frame) args.push_back("ptr " + write_frame(out, plan.of(module.main)));
  write_call(out, symbol("fn." + module.function(module.main).name), conventions.of(module.main),
             {}, {}, depth, args);
  if (has_frame) out.line("call void @tn_drop(ptr %context, {})", args[0]);
  out.line("ret i32 0");
  return out.definition(fmt::format("{}i32 @tenon_main(ptr %context)", linkage), "ret i32 1");
}

}  // namespace

opt::loops::Mode mode_of(const Options& options) {
  return {options.strict, !options.gpu.empty(), options.tf32, opt::loops::capability_of(options.gpu),
          options.gpu_shared_bytes};
}

std::vector<opt::loops::Scheduled> lower_kernels(const ir::Module& module, const Options& options) {
  const opt::loops::Machine& machine =
      options.target != nullptr ? options.target->machine : opt::loops::host();
  return opt::loops::lower_all(module, machine, mode_of(options), options.level >= 2);
}

namespace {

std::vector<Kernel> kernels_of(const ir::Module& module, const Options& options) {
  std::vector<Kernel> kernels;
  for (opt::loops::Scheduled& scheduled : lower_kernels(module, options))
    kernels.push_back(std::move(scheduled.kernel));
  return kernels;
}

/// Kernels on their own are put together in modules of about so much text.
constexpr size_t kPartBytes = 16 << 10;

class Generator {
 public:
  Generator(const ir::Module& module, const Options& options, const gpu::Placement* on_gpu = nullptr)
      : module_(module), options_(options), on_gpu_(on_gpu), conventions_(module) {
    if (options.lines == nullptr || on_gpu != nullptr) return;
    debug_.emplace(*options.lines, DebugInfo::Kind::tables);
    shared_.debug = &*debug_;
  }

  /// `alone` if it is to run without Tenon.
  Generated run(const Alone* alone) {
    const std::vector<Kernel> kernels =
        on_gpu_ != nullptr ? ir::loops::lower(module_) : kernels_of(module_, options_);
    const opt::UniqueOwners owners(module_);
    // What a kernel on a GPU uses has a block of the runtime's.
    const opt::memory::MemoryPlan plan =
        on_gpu_ != nullptr ? opt::memory::MemoryPlan(module_)
                           : opt::memory::MemoryPlan(module_, owners, kernels);
    std::optional<Exports> exports;
    if (alone != nullptr) exports.emplace(shared_, module_, conventions_, owners, plan, *alone);
    std::span<const Kernel> left = kernels;
    for (const ir::Function& function : module_.functions) {
      size_t count = 0;
      for (const ir::Block& block : function.blocks)
        count += std::count_if(block.insts.begin(), block.insts.end(),
                               [](const ir::Inst& inst) { return inst.op == ir::Op::compute; });
      const std::span<const Kernel> own = left.first(count);
      left = left.subspan(count);
      for (const Kernel& kernel : own)
        if (on_gpu_ == nullptr || on_gpu_->of(kernel).on_host)
          add(kernel, plan.in_place(static_cast<size_t>(&kernel - kernels.data())));
      std::optional<size_t> timed;
      if (options_.profile && on_gpu_ == nullptr)
        timed = static_cast<size_t>(own.data() - kernels.data());
      add(write_function(shared_, module_, conventions_, owners, plan, function, own, options_.strict,
                         on_gpu_, timed));
    }
    if (module_.main) add(entry(shared_, module_, conventions_, plan, exports ? "internal " : ""));
    if (exports) add(exports->write_all());
    Generated generated = take();
    if (module_.main)
      generated.memory = {plan.of(module_.main).frame_bytes, plan.of(module_.main).live_bytes};
    return generated;
  }

 private:
  void add(const std::string& text) {
    all_ += text + "\n";
    main_ += text + "\n";
  }
  void add(const Kernel& kernel, std::span<const opt::memory::MemoryPlan::InPlace> in_place) {
    const std::string text =
        write_kernel(shared_, module_, conventions_, kernel, in_place, options_.strict);
    if (!stands_alone(kernel)) return add(text);
    all_ += text + "\n";
    declared_ += declaration(text);
    if (alone_.empty() || alone_.back().size() > kPartBytes) alone_.emplace_back();
    alone_.back() += text + "\n";
  }

  /// What kernels call in lanes.
  void add_lane_functions() {
    std::string text;
    for (const auto& [name, definition] : shared_.functions()) text += definition + "\n";
    if (text.empty()) return;
    all_ += text;
    alone_.push_back(std::move(text));
  }

  Generated take() {
    add_lane_functions();
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
  std::optional<DebugInfo> debug_;
  ModuleText shared_;
  std::string all_, main_, declared_;
  std::vector<std::string> alone_;
};

}  // namespace

opt::memory::MemoryPlan plan_memory(const ir::Module& module, const Options& options) {
  const std::vector<Kernel> kernels = kernels_of(module, options);
  opt::memory::MemoryPlan plan(module, opt::UniqueOwners(module), kernels);
  for (const std::string& wrong : opt::memory::verify(module, kernels, plan))
    throw std::logic_error("the memory plan is wrong: " + wrong);
  return plan;
}

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
