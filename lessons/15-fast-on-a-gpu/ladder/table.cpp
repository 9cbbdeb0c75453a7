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
constexpr Column kColumns[] = {{"instructions", "instructions", 14, 0},
                               {"loads", "load_requests", 11, 0},
                               {"sectors", "load_sectors", 12, 0},
                               {"per load", "sectors per load", 10, 2},
                               {"per store", "sectors per store", 11, 2},
                               {"shared", "shared_requests", 11, 0},
                               {"wavefronts", "shared_wavefronts", 12, 0},
                               {"over ideal", "shared wavefronts over ideal", 12, 2}};
constexpr std::string_view kResources[] = {"issue", "fma", "tensor", "lsu", "l2", "dram", "latency"};

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
  std::string text = fmt::format("{:<16}", "");
  for (const Column& column : kColumns) text += fmt::format("{:>{}}", column.title, column.width);
  text += "\n";
  for (const Rung& each : rungs) {
    text += fmt::format("{:<16}", each.name);
    for (const Column& column : kColumns) text += cell(each.launch, column);
    text += "\n";
  }
  return text;
}

std::string limits_table(const std::string& program, const std::vector<fs::path>& schedules) {
  const std::vector<Rung> rungs = climb(program, schedules);
  if (rungs.empty()) return fmt::format("{}\n", kWithoutLlvm);
  std::string text = fmt::format("{:<16}", "");
  for (const std::string_view resource : kResources) text += fmt::format("{:>9}", resource);
  text += "   warps   limit\n";
  for (const Rung& each : rungs) {
    text += fmt::format("{:<16}", each.name);
    for (const std::string_view resource : kResources)
      text += fmt::format("{:>9}", grouped(each.launch.cycles.at(std::string(resource))));
    text += fmt::format("{:>7.0f}%   {}\n", each.launch.figures.at("occupancy"), each.launch.limit);
  }
  return text;
}

}  // namespace tenon::lessons
