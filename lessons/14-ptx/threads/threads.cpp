// tenon_threads: what the compiler beside it makes of a program for the simulated GPU.
//
//   tenon_threads same FILE.tn     does it print what the interpreter prints?
//   tenon_threads clean FILE.tn    does the simulator find fault with no kernel?
//   tenon_threads cost FILE.tn     is no counter larger than a line `// at most N COUNTER` of the
//   file says? tenon_threads figures FILE.tn  those counters
//
// A counter is summed over all kernels. Where LLVM is missing it says that it skips.
#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <optional>

#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::lessons {
namespace {

namespace fs = std::filesystem;

constexpr double kTimeout = 120;  ///< seconds

struct Programs {
  fs::path tenon, file;

  tests::Outcome run(std::vector<std::string> words) const {
    tests::Command command;
    command.argv = {tenon.string(), "run"};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.argv.push_back(file.string());
    command.timeout = kTimeout;
    return tests::run(command);
  }
  /// By these passes the kernels are those of the page, whatever else the compiler learns to do.
  tests::Outcome on_sim() const {
    return run({"--target", "sim", "--profile", "--passes=fuse,fuse_siblings,dce,own"});
  }
};

/// The first thing that the simulator says of a kernel at fault, which ends the program. Before it
/// stand the reports of all launches.
std::string fault_in(const tests::Outcome& outcome) {
  constexpr std::string_view kWords = "the simulated GPU finds fault";
  const size_t at = outcome.err.find(kWords);
  if (at == std::string::npos) return {};
  return outcome.err.substr(at, outcome.err.find("\n\n", at) - at) + "\n";
}

std::string trouble_of(const tests::Outcome& outcome) {
  if (outcome.status == 0 && !outcome.timed_out) return {};
  const std::string fault = fault_in(outcome);
  return fault.empty() ? fmt::format("{}\n{}", tests::describe(outcome), outcome.err) : fault;
}

/// Whether both print the same; else the first line that differs.
std::string difference(const Programs& programs, const tests::Outcome& on_sim) {
  const tests::Outcome interpreted = programs.run({"--target", "interp"});
  if (interpreted.status != 0) return "the interpreter: " + interpreted.err;
  if (on_sim.out == interpreted.out && !on_sim.out.empty()) return {};
  const std::string trouble = trouble_of(on_sim);
  if (!trouble.empty()) return trouble;
  return tests::difference(interpreted.out, on_sim.out);
}

std::optional<uint64_t> number(std::string_view word) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool fine = error == std::errc() && end == word.data() + word.size();
  return fine ? std::optional(value) : std::nullopt;
}

/// Sums of the counters over all reports.
std::map<std::string, uint64_t> counters_in(const std::string& profile) {
  std::map<std::string, uint64_t> sums;
  for (const std::string& line : tests::split_lines(profile)) {
    const std::vector<std::string> words = tests::split_words(line);
    if (words.size() != 3 || !line.starts_with("  ")) continue;
    if (const auto value = number(words[1])) sums[words[0]] += *value;
  }
  return sums;
}

struct Limit {
  uint64_t most;
  std::string counter;
};
std::vector<Limit> limits_in(const fs::path& file) {
  std::vector<Limit> limits;
  for (const std::string& line : tests::split_lines(tests::read_file(file))) {
    const std::vector<std::string> words = tests::split_words(line);
    if (words.size() != 5 || words[0] != "//" || words[1] != "at" || words[2] != "most") continue;
    if (const auto most = number(words[3])) limits.push_back({*most, words[4]});
  }
  return limits;
}

/// What is wrong with the cost. Where the numbers are wrong nobody asks what they cost.
std::string too_dear(const Programs& programs, const tests::Outcome& on_sim, bool show) {
  std::string text = show ? std::string() : difference(programs, on_sim);
  if (!text.empty()) return text;
  const std::map<std::string, uint64_t> counters = counters_in(on_sim.err);
  const std::vector<Limit> limits = limits_in(programs.file);
  if (limits.empty() || counters.empty()) return "there is nothing to compare\n";
  for (const Limit& limit : limits) {
    const auto found = counters.find(limit.counter);
    const uint64_t value = found == counters.end() ? 0 : found->second;
    if (show || value > limit.most)
      text += fmt::format("{}: {}, and may be {}\n", limit.counter, value, limit.most);
  }
  return text;
}

int answer(const std::string& problem, std::string_view fine) {
  fmt::print("{}", problem.empty() ? fmt::format("{}\n", fine) : problem);
  return problem.empty() ? 0 : 1;
}

int run(int argc, char** argv) {
  const std::string_view asked = argc == 3 ? argv[1] : "";
  const Programs programs{fs::absolute(argv[0]).parent_path() / "tenon", argc == 3 ? argv[2] : ""};
  if (asked == "same" || asked == "clean" || asked == "cost" || asked == "figures") {
    const tests::Outcome on_sim = programs.on_sim();
    if (tests::contains(on_sim.err, "needs LLVM")) {
      fmt::print("skipped: Tenon is built without LLVM\n");
      return 0;
    }
    if (asked == "same") return answer(difference(programs, on_sim), "as the interpreter has it");
    if (asked == "clean") return answer(trouble_of(on_sim), "nothing is wrong");
    if (asked == "cost")
      return answer(too_dear(programs, on_sim, false), "every counter is within its limit");
    fmt::print("{}", too_dear(programs, on_sim, true));
    return 0;
  }
  fmt::print(stderr, "usage: tenon_threads same|clean|cost|figures FILE.tn\n");
  return 2;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  return tenon::lessons::run(argc, argv);
}
