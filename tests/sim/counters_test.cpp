// Figures that follow from how memory works, not from the simulator: sectors of 32 bytes, 32 banks
// of 4.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/sim/launcher.h"

namespace tenon::tests {
namespace {

using sim::Counter;

sim::Report run(const char* kernel, sim::Dim3 grid, sim::Dim3 block) {
  static const sim::Module module = read_ptx(kSimTests / "counters/textbook.ptx");
  const int n = std::max(2048, static_cast<int>(grid.count() * block.count()));
  sim::Device device;
  const sim::Address x = upload(device, numbers(n, 1), "x"), y = upload(device, numbers(n, 2), "y");
  KernelArguments arguments;
  if (std::string_view(kernel) == "saxpy") arguments << 2.0f;
  arguments << x << y << n;
  sim::Report report = device.launch(module, kernel, grid, block, 0, arguments.bytes());
  CHECK_MESSAGE(report.ok(), faults_text(report));
  return report;
}

TEST_CASE("sectors of global memory") {
  const sim::Report saxpy = run("saxpy", {8}, {256});
  CHECK(saxpy.counters.load_sectors_per_request() == 4.0);
  CHECK(saxpy.counters.store_sectors_per_request() == 4.0);
  CHECK(saxpy.counters[Counter::load_requests] == 2 * 2048 / 32);
  CHECK(saxpy.counters[Counter::load_bytes] == 2 * 2048 * 4);
  CHECK(saxpy.counters[Counter::dram_sectors] == 2 * 2048 * 4 / 32);
  CHECK(saxpy.counters[Counter::flops] == 2 * 2048);
  CHECK(saxpy.counters.active_lanes() == 32.0);

  const sim::Report stride = run("stride32", {1}, {32});
  CHECK(stride.counters.store_sectors_per_request() == 32.0);
  CHECK(stride.counters.load_sectors_per_request() == 4.0);

  const sim::Report vector = run("vector4", {2}, {128});
  CHECK(vector.counters.load_sectors_per_request() == 16.0);
  CHECK(vector.counters.store_sectors_per_request() == 16.0);
}

TEST_CASE("banks of shared memory") {
  CHECK(run("transpose_plain", {1}, {32, 8}).counters.shared_wavefronts_over_ideal() ==
        (1 + 32) / 2.0);
  CHECK(run("transpose_padded", {1}, {32, 8}).counters.shared_wavefronts_over_ideal() == 1.0);
  // 16 stores and 4 loads of 4 matrices: without swizzle each matrix takes 8 passes.
  const std::vector<std::string> source =
      split_lines(read_file(kSimTests / "counters/textbook.cu"));
  const auto loads = [&](const sim::Report& report) {
    for (const sim::LineCounters& line : report.lines) {
      if (contains(source[line.place.line - 1], "asm volatile(\"ldmatrix"))
        return line.counters.shared_wavefronts_over_ideal();
    }
    return 0.0;
  };
  CHECK(loads(run("mma_plain", {1}, {32})) == 8.0);
  CHECK(loads(run("mma_swizzled", {1}, {32})) == 1.0);
}

TEST_CASE("lanes that part") {
  const sim::Counters counters = run("diverging", {1}, {32}).counters;
  CHECK(counters[Counter::divergent_branches] == 1);
  CHECK(counters.active_lanes() > 15.9);
  CHECK(counters.active_lanes() < 20);
}

TEST_CASE("occupancy names what limits it") {
  const sim::GpuModel& h200 = sim::gpu_models()[0];
  const sim::Report small = run("saxpy", {1}, {64});
  CHECK(small.occupancy.limit == sim::OccupancyLimit::grid);
  const sim::Report full = run("saxpy", {h200.sms * 40}, {256});
  CHECK(full.occupancy.limit == sim::OccupancyLimit::threads);
  CHECK(full.occupancy.fraction() == 1.0);
  const sim::Report blocks = run("saxpy", {h200.sms * 40}, {32});
  CHECK(blocks.occupancy.limit == sim::OccupancyLimit::blocks);
  CHECK(blocks.occupancy.blocks_per_sm == 32);
  CHECK(full.estimate.limit == "dram");
}

TEST_CASE("the mix of instructions adds up") {
  const sim::Counters counters = run("saxpy", {8}, {256}).counters;
  uint64_t sum = 0;
  for (size_t i = 0; i < sim::kCounters; ++i) {
    if (sim::counter_rows()[i].name.starts_with("mix_")) sum += counters.values[i];
  }
  CHECK(sum == counters[Counter::instructions]);
}

}  // namespace
}  // namespace tenon::tests
