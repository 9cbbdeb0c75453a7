// tenon run --target loops: computes run by their loop nests, and what that takes is counted. The
// machine is a simulated one, so that schedules and counts are the same everywhere.
#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/ir_module.h"
#include "driver/optimize.h"
#include "driver/run.h"
#include "ir/interpret.h"
#include "ir/loops_interpret.h"
#include "opt/loops/choose.h"

namespace tenon::driver {
namespace {

using ir::loops::Kernel;

/// From -O2 on by the schedules that the compiler chooses, as machine code is; with --gpu-arch by those for
/// a GPU, whose blocks and threads take their turns one after the other here.
std::vector<Kernel> kernels_of(const ir::Module& module, const Options& options) {
  std::vector<Kernel> kernels;
  const opt::loops::Mode mode{options.strict, !options.gpu_arch.empty(), options.tf32,
                              opt::loops::capability_of(options.gpu_arch)};
  for (auto& scheduled :
       opt::loops::lower_all(module, opt::loops::kSimulated, mode, options.level >= 2))
    kernels.push_back(std::move(scheduled.kernel));
  return kernels;
}

}  // namespace

void run_loops(Session& session) {
  const ir::Module module = load_optimized(session);
  const bool profile = !session.options.profile.empty();
  const std::vector<Kernel> kernels =
      session.timed("lowering to loops", [&] {
        return with_schedules(session, [&] { return kernels_of(module, session.options); });
      });
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
