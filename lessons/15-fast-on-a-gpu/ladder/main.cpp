// tenon_ladder: one program by one schedule after another on the simulated GPU, and what the exercise `scores` asks.
//
//   tenon_ladder counters FILE.tn SCHEDULE …     what each schedule makes the GPU do
//   tenon_ladder limits FILE.tn SCHEDULE …       the cycles that the estimate gives each of its parts
//   tenon_ladder tile COLUMNS                    a picture: where the rows of a tile of bf16 lie in the banks
//   tenon_ladder scores right [FILE]             does the program print what the interpreter prints?
//   tenon_ladder scores clean [FILE]             does the simulator find nothing wrong?
//   tenon_ladder scores sectors|conflicts|instructions [FILE]   is the figure within its limit?
//   tenon_ladder scores figures                  all three, and their limits
//
// A SCHEDULE is a file, or a folder of them. FILE is a grader's, and is not looked at. Runs the `tenon` beside it.
#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <stdexcept>

#include "lessons/15-fast-on-a-gpu/ladder/ladder.h"

namespace tenon::lessons {

Texts ladder_programs();
Texts ladder_schedules();

namespace {

struct Figure {
  std::string_view asked, name, what;
  double most;
};
constexpr Figure kFigures[] = {
    {"sectors", "load_sectors", "sectors loaded from global memory", 5'000},
    {"conflicts", "shared wavefronts over ideal", "wavefronts of shared memory over ideal", 1},
    {"instructions", "instructions", "instructions of warps", 12'000}};

/// Nothing where it was not counted: a kernel without shared memory has no conflicts.
std::optional<Limit> limit_of(const Figure& figure, const LaunchReport& launch) {
  const auto found = launch.figures.find(std::string(figure.name));
  if (found == launch.figures.end()) return {};
  return Limit{std::string(figure.what), found->second, figure.most};
}

int scores(std::string_view asked) {
  const std::string_view name = "scores";
  const ScheduledProgram program(name, ladder_programs(), ladder_schedules());
  const tests::Outcome outcome = program.run({"--target", "sim", "--profile"});
  if (lacks_llvm(outcome)) return answer({}, kWithoutLlvm);
  if (asked == "right") return answer(program.wrong(outcome), "all numbers are right");
  const std::string trouble = trouble_of(outcome);
  if (asked == "clean") return answer(trouble, "nothing is wrong");
  if (!trouble.empty()) throw std::runtime_error(trouble);
  const LaunchReport launch = launch_of(name, outcome.err);
  std::vector<Limit> limits;
  for (const Figure& figure : kFigures) {
    const std::optional<Limit> limit = limit_of(figure, launch);
    if (asked == figure.asked && !limit) throw std::runtime_error("nothing is in shared memory");
    if (asked == figure.asked) return answer(beyond({{*limit}}), "within the limit");
    if (asked == "figures" && limit) limits.push_back(*limit);
  }
  if (limits.empty()) throw std::runtime_error(fmt::format("there is no figure {}", asked));
  fmt::print("{}", table_of(limits));
  return 0;
}

std::vector<std::filesystem::path> schedules_in(std::span<const std::string> words) {
  std::vector<std::filesystem::path> schedules;
  for (const std::string& word : words) {
    if (!std::filesystem::is_directory(word)) schedules.emplace_back(word);
    for (const std::filesystem::path& file : tests::entries_of(word))
      if (file.extension() == ".sched") schedules.push_back(file);
  }
  return schedules;
}

int run(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string asked = words.empty() ? "" : words[0];
  if (asked == "scores" && words.size() >= 2) return scores(words[1]);
  if (asked == "tile" && words.size() == 2) return answer({}, tile_picture(std::atoll(argv[2])));
  if ((asked == "counters" || asked == "limits") && words.size() >= 3) {
    const auto& table = asked == "limits" ? limits_table : counters_table;
    fmt::print("{}", table(words[1], schedules_in(std::span(words).subspan(2))));
    return 0;
  }
  fmt::print(stderr,
             "usage: tenon_ladder counters|limits FILE.tn SCHEDULE …\n"
             "       tenon_ladder tile COLUMNS\n"
             "       tenon_ladder scores right|clean|sectors|conflicts|instructions|figures [FILE]\n");
  return 2;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  return tenon::lessons::grader_main(argc, argv, tenon::lessons::run);
}
