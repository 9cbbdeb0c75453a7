// tenon_threads: what the compiler beside it makes of a program for the simulated GPU.
//
//   tenon_threads same FILE.tn     does it print what the interpreter prints?
//   tenon_threads clean FILE.tn    does the simulator find fault with no kernel?
//   tenon_threads cost FILE.tn     is no figure larger than a line `// at most N FIGURE` of the file says?
//   tenon_threads figures FILE.tn  those figures
//
// Options of `tenon run` may stand in front of the file, as in `same --gpu-arch sm_75 FILE.tn`.
// A figure is a counter or what else the report has a number for, summed over all kernels. Where LLVM is missing it says that it skips.
#include <fmt/format.h>

#include "lessons/tool/grading.h"
#include "tests/support/numbers.h"

namespace tenon::lessons {
namespace {

/// By these passes the kernels are those of the pages, whatever else the compiler learns to do.
tests::Outcome on_sim(std::vector<std::string> options, const std::string& file) {
  options.insert(options.begin(), {"--target", "sim", "--profile", "--passes=fuse,fuse_siblings,dce,own"});
  options.push_back(file);
  return run_tenon(options);
}

std::vector<Limit> limits_in(const std::string& file, const std::vector<LaunchReport>& launches) {
  std::vector<Limit> limits;
  for (const std::string& line : tests::split_lines(tests::read_file(file))) {
    const std::vector<std::string> words = tests::split_words(line);
    double most = 0;
    if (words.size() < 5 || words[0] != "//" || words[1] != "at" || words[2] != "most" ||
        !tests::to_number(words[3], most))
      continue;
    const std::string name = fmt::format("{}", fmt::join(words.begin() + 4, words.end(), " "));
    double sum = 0;
    for (const LaunchReport& launch : launches)
      if (const auto found = launch.figures.find(name); found != launch.figures.end()) sum += found->second;
    limits.push_back({name, sum, most});
  }
  return limits;
}

/// What is wrong with the cost. Where the numbers are wrong nobody asks what they cost.
std::string too_dear(const tests::Outcome& outcome, const std::string& file) {
  const std::string text = difference(outcome, file);
  if (!text.empty()) return text;
  const std::vector<LaunchReport> launches = launches_in(outcome.err);
  const std::vector<Limit> limits = limits_in(file, launches);
  return limits.empty() || launches.empty() ? "there is nothing to compare\n" : beyond(limits);
}

int run(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const std::string asked = words.size() < 2 ? "" : words.front(), file = words.empty() ? "" : words.back();
  if (asked == "same" || asked == "clean" || asked == "cost" || asked == "figures") {
    const tests::Outcome outcome = on_sim({words.begin() + 1, words.end() - 1}, file);
    if (lacks_llvm(outcome)) return answer({}, kWithoutLlvm);
    if (asked == "same") return answer(difference(outcome, file), "as the interpreter has it");
    if (asked == "clean") return answer(trouble_of(outcome), "nothing is wrong");
    if (asked == "cost") return answer(too_dear(outcome, file), "every counter is within its limit");
    fmt::print("{}", table_of(limits_in(file, launches_in(outcome.err))));
    return 0;
  }
  fmt::print(stderr, "usage: tenon_threads same|clean|cost|figures [OPTION …] FILE.tn\n");
  return 2;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  return tenon::lessons::grader_main(argc, argv, tenon::lessons::run);
}
