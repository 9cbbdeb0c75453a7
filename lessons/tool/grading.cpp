#include "lessons/tool/grading.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "tests/support/numbers.h"

namespace tenon::lessons {
namespace {

namespace fs = std::filesystem;

constexpr double kTimeout = 120;  ///< seconds

double number(std::string_view word) {
  double value = 0;
  if (word.ends_with('%')) word.remove_suffix(1);
  if (!tests::to_number(word, value)) throw std::runtime_error(fmt::format("a report says {}, which is no number", word));
  return value;
}

/// A line of a report behind its first; what it says goes into `launch`.
void read_line(const std::string& line, LaunchReport& launch) {
  constexpr std::string_view kLimit = "limit: ", kShared = " bytes of shared memory";
  std::vector<std::string> words = tests::split_words(line);
  if (line.starts_with(kLimit)) {
    launch.limit = line.substr(kLimit.size(), line.find(',') - kLimit.size());
  } else if (!launch.limit.empty()) {
    for (size_t i = 0; i + 1 < words.size(); i += 2) launch.cycles[words[i]] = number(words[i + 1]);
  } else if (line.ends_with(kShared)) {
    launch.figures["shared memory"] = number(words.at(words.size() - 5));
    launch.figures["registers"] = number(words.at(words.size() - 11));
  } else if (line.starts_with("  ") && words.size() >= 3) {
    const std::string nsight = words.back();
    words.pop_back();
    const double value = number(words.back());
    words.pop_back();
    const std::string name = fmt::format("{}", fmt::join(words, " "));
    launch.figures[name] = value, launch.nsight[name] = nsight;
  }
}

}  // namespace

std::string_view text_of(Texts texts, std::string_view name) {
  for (const auto& [known, text] : texts)
    if (known == name) return text;
  throw std::runtime_error(fmt::format("there is no {}", name));
}

int grader_main(int argc, char** argv, int (*run)(int, char**)) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print("{}\n", error.what());
    return 1;
  }
}

int answer(const std::string& problem, std::string_view fine) {
  fmt::print("{}", problem.empty() ? fmt::format("{}\n", fine) : problem);
  return problem.empty() ? 0 : 1;
}

// ---- limits

static std::string spelled(double value) {
  return value == std::floor(value) ? fmt::format("{:.0f}", value) : fmt::format("{:.2f}", value);
}

std::string beyond(std::span<const Limit> limits) {
  constexpr double kRounding = 1e-9;
  std::string text;
  for (const Limit& limit : limits)
    if (limit.value > limit.most + kRounding)
      text += fmt::format("{}: {}, and may be {}\n", limit.what, spelled(limit.value), spelled(limit.most));
  return text;
}

std::string table_of(std::span<const Limit> limits) {
  std::string text = fmt::format("{:<52} {:>12} {:>12}\n", "", "is", "may be");
  for (const Limit& limit : limits)
    text += fmt::format("{:<52} {:>12} {:>12}\n", limit.what, spelled(limit.value), spelled(limit.most));
  return text;
}

// ---- programs

tests::Outcome run_tenon(const std::vector<std::string>& words, const fs::path& folder) {
  tests::Command command;
  command.argv = {(fs::read_symlink("/proc/self/exe").parent_path() / "tenon").string(), "run"};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.folder = folder;
  command.timeout = kTimeout;
  tests::Outcome outcome = tests::run(command);
  if (outcome.timed_out) throw std::runtime_error(tests::describe(outcome));
  return outcome;
}

bool lacks_llvm(const tests::Outcome& outcome) {
  return tests::contains(outcome.err, "needs LLVM");
}

std::string trouble_of(const tests::Outcome& outcome) {
  constexpr std::string_view kFault = "the simulated GPU finds fault";
  if (outcome.status == 0) return {};
  const size_t at = outcome.err.find(kFault);  // before it stand the reports of all launches
  if (at == std::string::npos) return fmt::format("{}\n{}", tests::describe(outcome), outcome.err);
  return outcome.err.substr(at, outcome.err.find("\n\n", at) - at) + "\n";
}

std::string difference(const tests::Outcome& outcome, const std::string& file, const fs::path& folder) {
  const tests::Outcome interpreted = run_tenon({"--target", "interp", file}, folder);
  if (interpreted.status != 0) return "the interpreter: " + interpreted.err;
  if (outcome.out == interpreted.out && !outcome.out.empty()) return {};
  const std::string trouble = trouble_of(outcome);
  return trouble.empty() ? tests::difference(interpreted.out, outcome.out) : trouble;
}

std::vector<LaunchReport> launches_in(const std::string& profile) {
  std::vector<LaunchReport> launches;
  bool in_report = false;
  for (const std::string& line : tests::split_lines(profile)) {
    const std::vector<std::string> words = tests::split_words(line);
    if (line.starts_with("kernel ")) {
      launches.emplace_back().kernel = words.at(1);
      in_report = true;
    } else if (in_report) {
      in_report = line != "lines";
      if (in_report) read_line(line, launches.back());
    }
  }
  return launches;
}

ScheduledProgram::ScheduledProgram(std::string_view name, Texts programs, Texts schedules) : name_(name) {
  tests::write_file(folder_.path() / (name_ + ".tn"), text_of(programs, name));
  tests::write_file(folder_.path() / (name_ + ".sched"), text_of(schedules, name));
}

tests::Outcome ScheduledProgram::run(std::vector<std::string> words) const {
  words.insert(words.end(), {"-O1", "--schedule", name_ + ".sched", name_ + ".tn"});
  return run_tenon(words, folder_.path());
}

std::string ScheduledProgram::wrong(const tests::Outcome& outcome) const {
  return difference(outcome, name_ + ".tn", folder_.path());
}

}  // namespace tenon::lessons
