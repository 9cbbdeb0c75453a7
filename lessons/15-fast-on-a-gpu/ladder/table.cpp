#include <fmt/format.h>

#include <stdexcept>

#include "lessons/15-fast-on-a-gpu/ladder/ladder.h"

namespace tenon::lessons {
namespace {

namespace fs = std::filesystem;

struct Column {
  std::string_view title, figure;
  int width, digits;
};
constexpr Column kCounters[] = {{"instructions", "instructions", 13, 0},
                                {"loads", "load_requests", 11, 0},
                                {"sectors", "load_sectors", 12, 0},
                                {"per load", "sectors per load", 10, 2},
                                {"per store", "sectors per store", 11, 2},
                                {"shared", "shared_requests", 11, 0},
                                {"wavefronts", "shared_wavefronts", 12, 0},
                                {"over ideal", "shared wavefronts over ideal", 12, 2},
                                {"barriers", "barriers", 10, 0}};
/// Behind the resources: what decides how many warps are there at a time.
constexpr Column kRoom[] = {{"registers", "registers", 11, 0},
                            {"shared", "shared memory", 8, 0},
                            {"warps %", "occupancy", 9, 0}};
constexpr std::string_view kResources[] = {"issue", "fma", "tensor", "lsu", "l2", "dram", "latency"};

constexpr int kName = 17;  ///< width

struct Rung {
  std::string name, printed, trouble;
  bool lacks_llvm = false;
  LaunchReport launch;
};

/// `product` of `schedule product.c { … }`, the first in the text.
std::string function_of(const std::string& schedule) {
  constexpr std::string_view kWord = "schedule ";
  for (const std::string& line : tests::split_lines(schedule))
    if (line.starts_with(kWord)) return line.substr(kWord.size(), line.find('.') - kWord.size());
  throw std::runtime_error("there is no schedule in the file");
}

Rung rung(const std::string& program, const fs::path& schedule) {
  Rung made{schedule.stem().string(), {}, {}, false, {}};
  try {
    // By -O1 the compiler schedules nothing by itself that a file does not.
    const tests::Outcome outcome =
        run_tenon({"--target", "sim", "--profile", "-O1", "--schedule", schedule.string(), program});
    made.lacks_llvm = lacks_llvm(outcome);
    made.printed = outcome.out, made.trouble = trouble_of(outcome);
    if (made.trouble.empty()) made.launch = launch_of(function_of(tests::read_file(schedule)), outcome.err);
  } catch (const std::runtime_error& error) {  // on a thread
    made.trouble = error.what();
  }
  return made;
}

/// Empty without LLVM.
std::vector<Rung> climb(const std::string& program, const std::vector<fs::path>& schedules) {
  if (schedules.empty()) throw std::runtime_error("there is no schedule");
  std::vector<Rung> rungs(schedules.size());
  tests::for_each_in_parallel(schedules.size(), [&](size_t i) { rungs[i] = rung(program, schedules[i]); });
  for (const Rung& each : rungs) {
    if (each.lacks_llvm) return {};
    if (!each.trouble.empty()) throw std::runtime_error(fmt::format("{}: {}", each.name, each.trouble));
    if (each.printed != rungs[0].printed)
      throw std::runtime_error(fmt::format("{} prints {}{} prints {}", rungs[0].name, rungs[0].printed, each.name,
                                           each.printed));
  }
  return rungs;
}

/// With commas between thousands.
std::string grouped(double whole) {
  std::string text = fmt::format("{:.0f}", whole);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

/// `-` where nothing was counted.
std::string cell(const LaunchReport& launch, const Column& column) {
  const auto found = launch.figures.find(std::string(column.figure));
  const bool counted = found != launch.figures.end();
  const std::string text = !counted             ? "-"
                           : column.digits == 0 ? grouped(found->second)
                                                : fmt::format("{:.{}f}", found->second, column.digits);
  return fmt::format("{:>{}}", text, column.width);
}

std::string titles(std::span<const Column> columns, std::string line) {
  for (const Column& column : columns) line += fmt::format("{:>{}}", column.title, column.width);
  return line;
}
std::string cells(std::span<const Column> columns, const LaunchReport& launch, std::string line) {
  for (const Column& column : columns) line += cell(launch, column);
  return line;
}

}  // namespace

LaunchReport launch_of(std::string_view function, const std::string& profile) {
  const std::string kernel = fmt::format("{}_0", function);
  for (LaunchReport& launch : launches_in(profile))
    if (launch.kernel == kernel) return launch;
  throw std::runtime_error(fmt::format("{} was not launched", kernel));
}

std::string counters_table(const std::string& program, const std::vector<fs::path>& schedules) {
  const std::vector<Rung> rungs = climb(program, schedules);
  if (rungs.empty()) return fmt::format("{}\n", kWithoutLlvm);
  std::string text = titles(kCounters, std::string(kName, ' ')) + "\n";
  for (const Rung& each : rungs)
    text += cells(kCounters, each.launch, fmt::format("{:<{}}", each.name, kName)) + "\n";
  return text;
}

std::string limits_table(const std::string& program, const std::vector<fs::path>& schedules) {
  const std::vector<Rung> rungs = climb(program, schedules);
  if (rungs.empty()) return fmt::format("{}\n", kWithoutLlvm);
  std::string head(kName, ' ');
  for (const std::string_view resource : kResources) head += fmt::format("{:>8}", resource);
  std::string text = titles(kRoom, head + "   limit  ") + "\n";
  for (const Rung& each : rungs) {
    std::string line = fmt::format("{:<{}}", each.name, kName);
    for (const std::string_view resource : kResources)
      line += fmt::format("{:>8}", grouped(each.launch.cycles.at(std::string(resource))));
    text += cells(kRoom, each.launch, fmt::format("{}   {:<7}", line, each.launch.limit)) + "\n";
  }
  return text;
}

}  // namespace tenon::lessons
