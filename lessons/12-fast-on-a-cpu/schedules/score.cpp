// tenon_score: what a schedule of lesson 12 is worth, counted on the simulated machine.
//
//   tenon_score TASK right [FILE]   does the program print what the tree interpreter prints?
//   tenon_score TASK misses [FILE]  are the misses of the first cache within their limit?
//   tenon_score TASK issued [FILE]  are the instructions that are issued?
//   tenon_score TASK figures        both, and their limits
//
// TASK is linear or convolution. FILE is a grader's, and is not looked at. Runs the `tenon` beside it.
// Schedules of the compiler's own are left out (-O1): what the student does not schedule stays as it is.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::lessons {

using Texts = std::span<const std::pair<std::string_view, std::string_view>>;
Texts score_programs();
Texts score_schedules();

namespace {

namespace fs = std::filesystem;

constexpr double kTimeout = 60;  ///< seconds

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

/// A folder that goes when the program ends.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / fmt::format("tenon-score-{}", getpid())) {
    fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string text_of(Texts texts, std::string_view name) {
  for (const auto& [known, text] : texts)
    if (known == name) return std::string(text);
  throw std::runtime_error(fmt::format("there is no {}", name));
}

class Trial {
 public:
  explicit Trial(const Task& task) : task_(task) {
    tests::write_file(folder_.path() / program(), text_of(score_programs(), task.name));
    tests::write_file(folder_.path() / schedule(), text_of(score_schedules(), task.name));
  }

  /// What is wrong with the results, or nothing.
  std::string wrong() const {
    const std::string wanted = run({"--target", "interp", program()}).out;
    const std::string is = run({"--target", "loops", "-O1", "--schedule", schedule(), program()}).out;
    if (is != wanted || wanted.empty())
      return fmt::format("the nests print {}, and the interpreter {}\n", is, wanted);
    return {};
  }

  /// By the profile's line for the kernel.
  Figures figures() const {
    const std::string table =
        run({"--target", "loops", "-O1", "--profile", "--schedule", schedule(), program()}).err;
    for (const std::string& line : tests::split_lines(table)) {
      const std::vector<std::string> words = tests::split_words(line);
      if (words.size() != 8 || words.back() != task_.kernel) continue;
      return {std::stoll(words[2]), std::stoll(words[5])};
    }
    throw std::runtime_error(fmt::format("{} has no kernel of its own", task_.kernel));
  }

 private:
  std::string program() const { return fmt::format("{}.tn", task_.name); }
  std::string schedule() const { return fmt::format("{}.sched", task_.name); }
  tests::Outcome run(std::vector<std::string> arguments) const {
    const fs::path tenon = fs::read_symlink("/proc/self/exe").parent_path() / "tenon";
    arguments.insert(arguments.begin(), {tenon.string(), "run"});
    const tests::Outcome outcome = tests::run({arguments, folder_.path(), "", kTimeout});
    if (outcome.status != 0 || outcome.timed_out)
      throw std::runtime_error(outcome.err.empty() ? tests::describe(outcome) : outcome.err);
    return outcome;
  }

  const Task& task_;
  const Folder folder_;
};

/// Whether it is within the limit.
bool within(std::string_view what, int64_t value, int64_t most) {
  if (value > most) fmt::print("{}: {}, and may be {}\n", what, value, most);
  return value <= most;
}

int answer(bool holds, std::string_view text) {
  if (holds) fmt::print("{}\n", text);
  return holds ? 0 : 1;
}

int run(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "", asked = argc > 2 ? argv[2] : "";
  for (const Task& task : kTasks) {
    if (task.name != name) continue;
    const Trial trial(task);
    if (asked == "right") {
      const std::string wrong = trial.wrong();
      fmt::print("{}", wrong);
      return answer(wrong.empty(), "all numbers are right");
    }
    const Figures figures = trial.figures();
    if (asked == "misses")
      return answer(within("misses of the first cache", figures.misses, task.most_misses), "within the limit");
    if (asked == "issued")
      return answer(within("instructions issued", figures.issued, task.most_issued), "within the limit");
    if (asked != "figures") break;
    fmt::print("{:<28} {:>12} {:>12}\n{:<28} {:>12} {:>12}\n{:<28} {:>12} {:>12}\n", "", "is", "may be",
               "misses of the first cache", figures.misses, task.most_misses, "instructions issued",
               figures.issued, task.most_issued);
    return 0;
  }
  fmt::print(stderr, "usage: tenon_score linear|convolution right|misses|issued|figures [FILE]\n");
  return 2;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  try {
    return tenon::lessons::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print("{}\n", error.what());
    return 1;
  }
}
