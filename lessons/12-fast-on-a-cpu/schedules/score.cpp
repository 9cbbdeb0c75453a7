// tenon_score: what a schedule of lesson 12 is worth, counted on the simulated machine.
//
//   tenon_score TASK right [FILE]   does the program print what the tree interpreter prints?
//   tenon_score TASK misses [FILE]  are the misses of the first cache within their limit?
//   tenon_score TASK issued [FILE]  are the instructions that are issued?
//   tenon_score TASK figures        both, and their limits
//
// TASK is linear or convolution. FILE is a grader's, and is not looked at. Runs the `tenon` beside it.
#include <fmt/format.h>

#include <stdexcept>

#include "lessons/tool/grading.h"

namespace tenon::lessons {

Texts score_programs();
Texts score_schedules();

namespace {

struct Task {
  std::string_view name;
  std::string_view kernel;  ///< what is scheduled, as the profile calls it
  int64_t most_misses, most_issued;
};
constexpr Task kTasks[] = {{"linear", "@linear.0", 30'000, 1'400'000},
                           {"convolution", "@convolution.0", 3'500, 3'300'000}};

struct Figures {
  int64_t issued = 0, misses = 0;
};

/// By the profile's line for the kernel.
Figures figures_of(const Task& task, const ScheduledProgram& program) {
  const tests::Outcome outcome = program.run({"--target", "loops", "--profile"});
  if (outcome.status != 0) throw std::runtime_error(trouble_of(outcome));
  for (const std::string& line : tests::split_lines(outcome.err)) {
    const std::vector<std::string> words = tests::split_words(line);
    if (words.size() == 8 && words.back() == task.kernel) return {std::stoll(words[2]), std::stoll(words[5])};
  }
  throw std::runtime_error(fmt::format("{} has no kernel of its own", task.kernel));
}

int run(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "", asked = argc > 2 ? argv[2] : "";
  for (const Task& task : kTasks) {
    if (task.name != name) continue;
    const ScheduledProgram program(name, score_programs(), score_schedules());
    if (asked == "right")
      return answer(program.wrong(program.run({"--target", "loops"})), "all numbers are right");
    const Figures figures = figures_of(task, program);
    const Limit misses{"misses of the first cache", double(figures.misses), double(task.most_misses)},
        issued{"instructions issued", double(figures.issued), double(task.most_issued)};
    if (asked == "misses") return answer(beyond({{misses}}), "within the limit");
    if (asked == "issued") return answer(beyond({{issued}}), "within the limit");
    if (asked != "figures") break;
    fmt::print("{}", table_of({{misses, issued}}));
    return 0;
  }
  fmt::print(stderr, "usage: tenon_score linear|convolution right|misses|issued|figures [FILE]\n");
  return 2;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  return tenon::lessons::grader_main(argc, argv, tenon::lessons::run);
}
