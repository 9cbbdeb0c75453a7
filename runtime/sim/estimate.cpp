#include "runtime/sim/estimate.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace tenon::runtime::sim {
namespace {

Counter mix_of(const Site& site) {
  switch (site.group) {
    case Class::by_type:
      switch (site.type) {
        case Type::f32: return Counter::mix_fp32;
        case Type::f64: return Counter::mix_fp64;
        case Type::f16:
        case Type::f16x2:
        case Type::bf16:
        case Type::bf16x2: return Counter::mix_fp16;
        default: return Counter::mix_integer;
      }
    case Class::integer: return Counter::mix_integer;
    case Class::convert: return Counter::mix_convert;
    case Class::special: return Counter::mix_special;
    case Class::tensor: return Counter::mix_tensor;
    case Class::move: return Counter::mix_move;
    case Class::memory: return Counter::mix_memory;
    case Class::async: return Counter::mix_async;
    case Class::warp: return Counter::mix_warp;
    case Class::control: return Counter::mix_control;
  }
  return Counter::mix_control;
}

/// Floating-point operations of a lane.
uint64_t flops_of(const Site& site) {
  if (!is_float(site.type)) return 0;
  const uint64_t numbers = site.type == Type::f16x2 || site.type == Type::bf16x2 ? 2 : 1;
  switch (site.op) {
    case Op::fma:
    case Op::mad: return 2 * numbers;
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::rcp:
    case Op::sqrt:
    case Op::rsqrt:
    case Op::ex2:
    case Op::lg2:
    case Op::sin:
    case Op::cos:
    case Op::tanh: return numbers;
    default: return 0;
  }
}

Counters counters_of(const Launch& launch, size_t index) {
  Counters counters;
  if (launch.site_counters[index] != nullptr) counters = *launch.site_counters[index];
  const Site& site = launch.program->sites[index];
  const SiteCount& count = launch.counts[index];
  counters[Counter::instructions] = count.warps;
  counters[Counter::thread_instructions] = count.lanes;
  counters[mix_of(site)] += count.warps;
  counters[Counter::flops] = count.lanes * flops_of(site);
  counters[Counter::tensor_flops] = count.warps * site.tensor_flops;
  return counters;
}

}  // namespace

Report make_report(const Launch& launch) {
  Report report;
  report.kernel = launch.program->functions[launch.kernel].name;
  report.grid = launch.grid;
  report.block = launch.block;
  report.faults = launch.faults;
  report.races_checked = launch.check_races;
  std::map<std::pair<uint32_t, uint32_t>, LineCounters> lines;
  for (size_t i = 0; i < launch.counts.size(); ++i) {
    if (launch.counts[i].warps == 0) continue;
    const Counters counters = counters_of(launch, i);
    report.counters += counters;
    const Site& site = launch.program->sites[i];
    LineCounters& line = lines[{site.file, site.file == 0 ? site.ptx_line : site.line}];
    if (line.place.ptx_line == 0) line.place = launch.program->place(static_cast<uint32_t>(i));
    line.counters += counters;
  }
  for (auto& [place, line] : lines) report.lines.push_back(std::move(line));
  report.occupancy = occupancy_of(launch);
  report.estimate = estimate_of(launch, report.counters, report.occupancy);
  return report;
}

/// How many blocks an SM holds at once, and what keeps it from holding more.
Occupancy occupancy_of(const Launch& launch) {
  const GpuModel& model = launch.memory->model;
  const Function& kernel = launch.program->functions[launch.kernel];
  Occupancy result;
  result.registers = launch.options->registers ? launch.options->registers : kernel.registers;
  result.shared_bytes = launch.shared_bytes;
  result.max_warps_per_sm = model.warps_per_sm;
  const auto warps = static_cast<uint32_t>((launch.block.count() + kLanes - 1) / kLanes);
  // Registers are handed out in pieces of 256 to a warp, shared memory in pieces of 128 bytes to a
  // block, which also takes 1024 bytes for the system.
  const uint32_t registers = (result.registers * kLanes + 255) / 256 * 256 * warps;
  const uint32_t shared = (launch.shared_bytes + 1024 + 127) / 128 * 128;
  const std::pair<OccupancyLimit, uint32_t> limits[] = {
      {OccupancyLimit::threads, model.warps_per_sm / warps},
      {OccupancyLimit::blocks, model.blocks_per_sm},
      {OccupancyLimit::registers, model.registers_per_sm / std::max(1u, registers)},
      {OccupancyLimit::shared_memory, model.shared_per_sm / shared},
      {OccupancyLimit::grid, static_cast<uint32_t>(std::min<uint64_t>(
                                 (launch.grid.count() + model.sms - 1) / model.sms, 1u << 20))}};
  const auto least =
      std::min_element(std::begin(limits), std::end(limits),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  result.limit = least->first;
  result.blocks_per_sm = std::max(1u, least->second);
  result.warps_per_sm = result.blocks_per_sm * warps;
  return result;
}

/// Cycles of the busiest SM for each resource, if it were the only one (reference/gpu.md, section
/// 5).
Estimate estimate_of(const Launch& launch, const Counters& counters, const Occupancy& occupancy) {
  const GpuModel& model = launch.memory->model;
  const auto blocks = static_cast<double>(launch.grid.count());
  const double sms = std::min<double>(blocks, model.sms);
  const double rounds = std::ceil(blocks / sms) * sms / blocks;  // the last round may be half empty
  const auto per_sm = [&](Counter counter) {
    return static_cast<double>(counters[counter]) / sms * rounds;
  };
  const double lines = per_sm(Counter::load_sectors) / 4 + per_sm(Counter::store_sectors) / 4 +
                       per_sm(Counter::atomic_sectors);
  const double requests = per_sm(Counter::load_requests) + per_sm(Counter::store_requests) +
                          per_sm(Counter::atomic_requests);
  const double dram_bytes_per_cycle = model.dram_gb_s / model.clock_ghz;
  // One warp alone: each instruction waits for the one before it. Warps that are there together
  // hide it.
  constexpr double kL1 = 35, kL2 = 270, kShared = 23, kTensor = 33, kSpecial = 18, kArithmetic = 4;
  const double misses = std::min(per_sm(Counter::l2_sectors), requests * 4);
  const double waiting =
      requests * kL1 + misses / 4 * (kL2 - kL1) + per_sm(Counter::shared_requests) * kShared +
      2 * per_sm(Counter::shared_wavefronts) + per_sm(Counter::mix_tensor) * kTensor +
      per_sm(Counter::mix_special) * kSpecial +
      (per_sm(Counter::mix_fp32) + per_sm(Counter::mix_integer) + per_sm(Counter::mix_fp16)) *
          kArithmetic;
  Estimate estimate;
  // [snippet parts]
  estimate.parts = {
      {"issue", per_sm(Counter::instructions) / 4},
      {"fma", (per_sm(Counter::mix_fp32) + per_sm(Counter::mix_fp16)) * kLanes / model.fma_lanes},
      {"tensor", per_sm(Counter::tensor_flops) / model.tensor_flops_per_cycle},
      {"lsu", std::max(lines, requests) + per_sm(Counter::shared_wavefronts)},
      {"l2", per_sm(Counter::l2_sectors) * 32 / 24},
      {"dram", static_cast<double>(counters[Counter::dram_sectors]) * 32 / dram_bytes_per_cycle},
      {"latency", waiting / std::max(1u, occupancy.warps_per_sm)}};
  // [end]
  estimate.name_limit();
  return estimate;
}

void Estimate::name_limit() {
  limit = std::ranges::max_element(parts, {}, &Part::cycles)->name;
}

}  // namespace tenon::runtime::sim
