// tenon run --target loops: computes run by their loop nests, and what that takes is counted. The
// machine is a simulated one, so that schedules and counts are the same everywhere.
#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/ir_module.h"
#include "driver/run.h"
#include "ir/interpret.h"
#include "ir/loops_interpret.h"
#include "opt/loops/choose.h"

namespace tenon::driver {
namespace {

using ir::loops::Kernel;

/// AVX2, and the caches of KernelEngine.
constexpr opt::loops::Machine kSimulated = {
    .vector_bytes = 32, .vector_registers = 16, .l1_bytes = 32 << 10, .l2_bytes = 1 << 20};

/// From -O2 on by the schedules that the compiler chooses, as machine code is; with --gpu-arch by those for
/// a GPU, whose blocks and threads take their turns one after the other here.
std::vector<Kernel> kernels_of(const ir::Module& module, const Options& options) {
  std::vector<Kernel> kernels = ir::loops::lower(module);
  if (!options.gpu_arch.empty()) {
    for (Kernel& kernel : kernels)
      kernel = opt::loops::choose_gpu(std::move(kernel), {options.strict}).kernel;
    return kernels;
  }
  if (options.level < 2) return kernels;
  for (Kernel& kernel : kernels)
    kernel = opt::loops::choose(std::move(kernel), kSimulated, {options.strict}).kernel;
  return kernels;
}

}  // namespace

void run_loops(Session& session) {
  const ir::Module module = load_optimized(session);
  const bool profile = !session.options.profile.empty();
  const std::vector<Kernel> kernels =
      session.timed("lowering to loops", [&] { return kernels_of(module, session.options); });
  ir::Counts counts;
  std::optional<ir::loops::KernelEngine> engine;
  const auto show_counts = [&] {
    if (!profile) return;
    counts += engine->total();
    fmt::print(stderr, "{}\n{}", counts.table(), engine->table());
  };
  try {
    execute(session, [&](runtime::Context& context) {
      counts = {};  // --time runs it again
      engine.emplace(module, kernels, profile);
      ir::interpret(module, context, counts, &*engine);
    });
  } catch (const Exit&) {
    show_counts();  // of what it did before it failed
    throw;
  }
  show_counts();
}

}  // namespace tenon::driver
