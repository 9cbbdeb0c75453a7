// tenon run --target sim: kernels on the simulated GPU, the rest on the host.
#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/cpu.h"
#include "driver/gpu.h"
#include "driver/run.h"
#include "runtime/simulated_device.h"

namespace tenon::driver {

void run_sim(Session& session) {
  with_llvm([&] {
    const std::jthread ahead = prepare_ahead();
    const backend::gpu::GeneratedForGpu generated = generate_for_gpu(session);
    runtime::SimulatedDevice device;
    const std::string ptx = write_ptx(session, generated);
    const auto show = [&] {
      if (session.options.profile.empty()) return;
      for (const runtime::sim::Report& report : device.reports())
        fmt::print(stderr, "{}\n", report.text());
    };
    try {
      run_on(session, device, generated, ptx);
    } catch (...) {
      show();
      throw;
    }
    show();
  });
}

}  // namespace tenon::driver
