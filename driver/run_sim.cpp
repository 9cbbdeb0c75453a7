// tenon run --target sim: kernels on the simulated GPU, the rest on the host.
#include <fmt/format.h>

#include <map>

#include "driver/commands.h"
#include "driver/cpu.h"
#include "driver/gpu.h"
#include "driver/record.h"
#include "driver/run.h"
#include "runtime/simulated_device.h"

namespace tenon::driver {
namespace {

using backend::gpu::GeneratedForGpu;
using runtime::sim::Counter;
using runtime::sim::Report;

/// What a card must count as the simulator does: they see the same accesses. It counts other instructions, as
/// its assembler makes them of PTX.
constexpr Counter kAsOnCards[] = {Counter::load_requests,  Counter::load_sectors,   Counter::store_requests,
                                  Counter::store_sectors,  Counter::atomic_sectors, Counter::shared_wavefronts};

/// Into the launches of a recording, in their order.
void add_counts(const std::vector<Report>& reports, runtime::Recording& recording) {
  auto report = reports.begin();
  for (runtime::Recording::Call& call : recording.calls) {
    auto* launch = std::get_if<runtime::Recording::Launch>(&call);
    if (launch == nullptr || report == reports.end()) continue;
    for (const Counter counter : kAsOnCards) {
      const auto& row = runtime::sim::counter_rows()[static_cast<size_t>(counter)];
      launch->counts.push_back({std::string(row.nsight), report->counters[counter]});
    }
    ++report;
  }
}

/// One for each kernel, in the order in which they were first launched.
std::vector<Report> by_kernel(const std::vector<Report>& launches) {
  std::vector<Report> kernels;
  std::map<std::string, size_t> known;
  for (const Report& launch : launches) {
    const auto [at, is_new] = known.emplace(launch.kernel, kernels.size());
    if (is_new) kernels.push_back(launch);
    else kernels[at->second] += launch;
  }
  return kernels;
}

void run_simulated(Session& session, const GeneratedForGpu& generated, const std::string& ptx) {
  runtime::sim::LaunchOptions options;
  options.late_copies = !session.options.early_copies;
  runtime::SimulatedDevice simulated(std::move(options));
  const auto show = [&] {
    if (session.options.profile.empty()) return;
    for (const Report& report : by_kernel(simulated.reports())) fmt::print(stderr, "{}\n", report.text());
  };
  try {
    recorded(
        session, simulated, [&](runtime::Device& device) { run_on(session, device, generated, ptx); },
        [&](runtime::Recording& recording) { add_counts(simulated.reports(), recording); });
  } catch (...) {
    show();
    throw;
  }
  show();
}

}  // namespace

void run_sim(Session& session) {
  with_llvm([&] {
    const std::jthread ahead = prepare_ahead();
    const GeneratedForGpu generated = generate_for_gpu(session);
    const std::string ptx = write_ptx(session, generated);
    if (!session.options.dry_run) return run_simulated(session, generated, ptx);
    runtime::IdleDevice idle;
    recorded(session, idle, [&](runtime::Device& device) { run_on(session, device, generated, ptx); });
  });
}

}  // namespace tenon::driver
