// Reports as text.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/sim/simulator.h"

namespace tenon::runtime::sim {

static constexpr CounterRow kCounterRows[] = {
#define COUNTER(name, nsight, meaning) {#name, nsight, meaning},
#include "runtime/sim/counters.def"
};
static constexpr SimFaultRow kFaultRows[] = {
#define SIM_FAULT(name, meaning) {#name, meaning},
#include "runtime/sim/sim_faults.def"
};

std::span<const CounterRow> counter_rows() {
  return kCounterRows;
}
const SimFaultRow& row(SimFaultKind kind) {
  return kFaultRows[static_cast<size_t>(kind)];
}

std::string_view name(OccupancyLimit limit) {
  static constexpr std::string_view kNames[] = {"threads", "blocks", "registers", "shared memory",
                                                "the grid"};
  return kNames[static_cast<size_t>(limit)];
}

std::string Place::text() const {
  if (ptx_line == 0) return "an unknown place";
  if (file.empty()) return fmt::format("PTX line {}", ptx_line);
  return fmt::format("{}:{}:{} (PTX line {})", file, line, column, ptx_line);
}

static std::string text_of(Dim3 size) {
  return fmt::format("({}, {}, {})", size.x, size.y, size.z);
}

std::string ThreadId::text() const {
  return fmt::format("block {}, thread {}", text_of(block), text_of(thread));
}

std::string SimFault::text() const {
  std::string result =
      fmt::format("{}: {}\n  at {}, {}\n", row(kind).name, message, place.text(), who.text());
  if (other.ptx_line != 0) result += fmt::format("  and {}, {}\n", other.text(), other_who.text());
  if (times > 1) result += fmt::format("  {} times\n", times);
  return result;
}

Counters& Counters::operator+=(const Counters& other) {
  for (size_t i = 0; i < kCounters; ++i) values[i] += other.values[i];
  return *this;
}

static double ratio(uint64_t a, uint64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

double Counters::load_sectors_per_request() const {
  return ratio((*this)[Counter::load_sectors], (*this)[Counter::load_requests]);
}
double Counters::store_sectors_per_request() const {
  return ratio((*this)[Counter::store_sectors], (*this)[Counter::store_requests]);
}
double Counters::shared_wavefronts_over_ideal() const {
  return ratio((*this)[Counter::shared_wavefronts], (*this)[Counter::shared_ideal]);
}
double Counters::active_lanes() const {
  return ratio((*this)[Counter::thread_instructions], (*this)[Counter::instructions]);
}

static void add_lines(std::vector<LineCounters>& lines, const std::vector<LineCounters>& more) {
  for (const LineCounters& line : more) {
    const auto same = std::ranges::find_if(lines, [&](const LineCounters& known) {
      return known.place.text() == line.place.text();
    });
    if (same == lines.end()) lines.push_back(line);
    else same->counters += line.counters;
  }
}

Report& Report::operator+=(const Report& other) {
  counters += other.counters;
  add_lines(lines, other.lines);
  for (size_t i = 0; i < std::min(estimate.parts.size(), other.estimate.parts.size()); ++i)
    estimate.parts[i].cycles += other.estimate.parts[i].cycles;
  if (!estimate.parts.empty()) estimate.name_limit();
  faults.insert(faults.end(), other.faults.begin(), other.faults.end());
  races_checked = races_checked && other.races_checked;
  seconds += other.seconds;
  launches += other.launches;
  return *this;
}

std::string Report::text(bool with_lines) const {
  std::string out = fmt::format("kernel {}  grid {}  block {}{}\n", kernel, text_of(grid), text_of(block),
                                launches > 1 ? fmt::format("  {} launches", launches) : "");
  for (const SimFault& fault : faults) out += fault.text();
  if (!races_checked) out += "races were not looked for\n";
  const auto figure = [&](std::string_view what, const std::string& value,
                          std::string_view nsight) {
    out += fmt::format("  {:<30} {:>14}  {}\n", what, value, nsight);
  };
  out += "figures\n";
  if (counters[Counter::load_requests])
    figure("sectors per load", fmt::format("{:.2f}", counters.load_sectors_per_request()),
           "l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio");
  if (counters[Counter::store_requests])
    figure("sectors per store", fmt::format("{:.2f}", counters.store_sectors_per_request()),
           "l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio");
  if (counters[Counter::shared_requests])
    figure("shared wavefronts over ideal",
           fmt::format("{:.2f}", counters.shared_wavefronts_over_ideal()),
           "l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum");
  figure("active lanes of 32", fmt::format("{:.2f}", counters.active_lanes()),
         "smsp__thread_inst_executed_per_inst_executed.ratio");
  figure("occupancy", fmt::format("{:.0f}%", 100 * occupancy.fraction()),
         "sm__warps_active.avg.pct_of_peak_sustained_active");
  out += fmt::format(
      "    {} blocks of an SM at once, limited by {}; {} registers of a thread (estimated), {} "
      "bytes of shared memory\n",
      occupancy.blocks_per_sm, name(occupancy.limit), occupancy.registers, occupancy.shared_bytes);
  out += "counters\n";
  for (size_t i = 0; i < kCounters; ++i) {
    if (counters.values[i])
      figure(kCounterRows[i].name, fmt::format("{}", counters.values[i]), kCounterRows[i].nsight);
  }
  out += fmt::format("limit: {}, by a model that was not calibrated; cycles if each were alone:\n ",
                     estimate.limit);
  for (const Estimate::Part& part : estimate.parts)
    out += fmt::format(" {} {:.0f}", part.name, part.cycles);
  out += "\n";
  if (!with_lines) return out;
  out += fmt::format("lines\n  {:<24} {:>12} {:>6} {:>8} {:>8} {:>8}\n", "", "instructions",
                     "lanes", "ld sect", "st sect", "banks");
  for (const LineCounters& line : lines) {
    const Counters& at = line.counters;
    const auto or_dash = [](double value) {
      return value == 0 ? std::string("-") : fmt::format("{:.2f}", value);
    };
    const std::string where = line.place.file.empty()
                                  ? fmt::format("PTX line {}", line.place.ptx_line)
                                  : fmt::format("{}:{}", line.place.file, line.place.line);
    out += fmt::format(
        "  {:<24} {:>12} {:>6.2f} {:>8} {:>8} {:>8}\n", where, at[Counter::instructions],
        at.active_lanes(), or_dash(at.load_sectors_per_request()),
        or_dash(at.store_sectors_per_request()), or_dash(at.shared_wavefronts_over_ideal()));
  }
  return out;
}

}  // namespace tenon::runtime::sim
