#include "backend/gpu/generate.h"

#include <algorithm>
#include <optional>
#include <set>

#include "backend/declarations.h"
#include "backend/debug_info.h"
#include "backend/gpu/launch.h"
#include "backend/gpu/placement.h"
#include "backend/loops_to_llvm.h"
#include "backend/ssa_to_llvm.h"
#include "ir/loops_interpret.h"

namespace tenon::backend::gpu {

using ir::loops::Kernel;

namespace {

/// A fault is a word that is not zero any more; where it was and why, the host finds out.
constexpr std::string_view kFail =
    "define internal void @tn_fail(ptr %word, i32 %kind, i32 %site, i64 %a, i64 %b, ptr %text) "
    "alwaysinline nounwind {\n"
    "  %before = atomicrmw or ptr %word, i32 1 monotonic\n"
    "  ret void\n"
    "}\n\n";

/// Intrinsics that later versions of LLVM know only by this declaration, and replace.
constexpr std::string_view kBarrier = "declare void @llvm.nvvm.barrier0() convergent nounwind\n";

/// Whether one block is enough for a multiprocessor: there is no other, of more than a thread, or a thread keeps so many numbers in registers
/// that a card cannot be full of such threads. ptxas has to be told, or it spills numbers so that as many blocks fit
/// beside each other as shared memory lets.
bool one_block_will_do(const Kernel& kernel) {
  if (const auto [blocks, threads] = launch_of(kernel); blocks == 1 && threads > 1) return true;
  constexpr int64_t kTileBytes = 16 * 4;  // half of the 32 registers that each of 2,048 threads has
  const std::vector<bool> held = ir::loops::in_registers(kernel);
  int64_t bytes = 0;
  for (size_t i = 0; i < held.size(); ++i)
    if (held[i]) bytes += runtime::byte_count(kernel.locals[i].dtype, kernel.locals[i].shape).value_or(0);
  return bytes >= kTileBytes;
}

/// The device's part: kernels, and the scalar functions that they call.
class DeviceWriter {
 public:
  DeviceWriter(const ir::Module& module, const Conventions& conventions,
               const opt::UniqueOwners& owners, const opt::memory::MemoryPlan& plan,
               const Options& options)
      : module_(module), conventions_(conventions), owners_(owners), plan_(plan), options_(options) {
    shared_.capability = opt::loops::capability_of(options.gpu);
    if (options.lines == nullptr) return;
    debug_.emplace(*options.lines, DebugInfo::Kind::directives);
    shared_.debug = &*debug_;
  }

  void add(const Kernel& kernel) {
    for (const ir::FuncId callee : callees_of(module_, kernel))
      if (written_.insert(callee.index).second)
        text_ += write_function(shared_, module_, conventions_, owners_, plan_,
                                module_.function(callee), {}, options_.strict) +
                 "\n";
    text_ += write_kernel(shared_, module_, conventions_, kernel, {}, options_.strict, Processor::gpu) + "\n";
    const std::string name = symbol(entry_name(kernel.name));
    annotations_ += fmt::format("{}!{}", annotations_.empty() ? "" : ", ", annotated_);
    metadata_ += fmt::format("!{} = !{{ptr {}, !\"maxntidx\", i32 {}{}}}\n", annotated_++, name,
                             launch_of(kernel).threads, one_block_will_do(kernel) ? ", !\"minctasm\", i32 1" : "");
  }

  std::string take() {
    if (text_.empty()) return {};
    if (text_.find("@tn_fail(") != text_.npos) text_ = std::string(kFail) + text_;
    std::string all = module_of(shared_, text_);
    // tn_fail is ours here, not the runtime's.
    for (size_t at = 0; (at = all.find("declare void @tn_fail(", at)) != all.npos;)
      all.erase(at, all.find('\n', at) + 1 - at);
    if (all.find("@llvm.nvvm.barrier0(") != all.npos) all += kBarrier;
    all += fmt::format("!nvvm.annotations = !{{{}}}\n", annotations_) + metadata_;
    return all;
  }

 private:
  const ir::Module& module_;
  const Conventions& conventions_;
  const opt::UniqueOwners& owners_;
  const opt::memory::MemoryPlan& plan_;
  const Options& options_;
  ModuleText shared_;
  std::optional<DebugInfo> debug_;
  std::string text_, annotations_, metadata_;
  int annotated_ = 0;
  std::set<uint32_t> written_;
};

}  // namespace

GeneratedForGpu generate_for_gpu(const ir::Module& module, const Options& options) {
  std::vector<Kernel> kernels;
  for (opt::loops::Scheduled& scheduled : lower_kernels(module, options))
    kernels.push_back(std::move(scheduled.kernel));
  const Placement placement(module, kernels);
  const Conventions conventions(module);
  const opt::UniqueOwners owners(module);

  GeneratedForGpu generated;
  generated.host = generate_host(module, options, placement);
  const opt::memory::MemoryPlan plan(module, owners, kernels);
  DeviceWriter device(module, conventions, owners, plan, options);
  for (const Kernel& kernel : kernels)
    if (placement.of(kernel).on_gpu) device.add(kernel);
  generated.device = device.take();
  generated.kernels = placement.kernels();
  return generated;
}

std::string ptx(const GeneratedForGpu& generated, const Options& options) {
  return generated.device.empty() ? "" : cpu::ptx(generated.device, std::string(options.gpu));
}

}  // namespace tenon::backend::gpu
