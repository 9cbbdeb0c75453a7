// tenon_mend: what a kernel of lesson 13 does on the simulated GPU, with numbers that look like chance.
//
//   tenon_mend KERNEL right SIZES [FILE]  are the results what the processor gets?
//   tenon_mend KERNEL clean SIZES [FILE]  does the simulator find nothing wrong, in either order of the blocks?
//   tenon_mend KERNEL cost SIZES [FILE]   is every figure within its limit?
//   tenon_mend KERNEL figures SIZE        the figures, and their limits
//
// SIZES is as in 32,1000 or 64x128,65x100. FILE is a grader's, and is not looked at.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <optional>

#include "lessons/13-simulator/kernels/tasks.h"

namespace tenon::lessons {

Texts mend_kernels();

namespace {

namespace sim = runtime::sim;

constexpr uint64_t kBudget = uint64_t{1}
                             << 24;  ///< instructions of a launch: more is a loop without end
constexpr uint32_t kMost = 1 << 20;  ///< of a size

std::optional<Size> size_of(std::string_view text) {
  Size size{0, 1, std::string(text)};
  uint32_t* const fields[] = {&size.m, &size.n};
  size_t count = 0;
  while (count < 2) {
    const std::string_view word = text.substr(0, text.find('x'));
    uint32_t& value = *fields[count++];
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value == 0 || value > kMost)
      return {};
    if (word.size() == text.size()) return size;
    text.remove_prefix(word.size() + 1);
  }
  return {};
}

std::vector<Size> sizes_of(std::string_view text) {
  std::vector<Size> sizes;
  while (true) {
    const std::string_view word = text.substr(0, text.find(','));
    const std::optional<Size> size = size_of(word);
    if (!size) return {};
    sizes.push_back(*size);
    if (word.size() == text.size()) return sizes;
    text.remove_prefix(word.size() + 1);
  }
}

/// What is wrong, or nothing.
std::string wrong_numbers(const Trial& trial) {
  return trial.wrong.empty() ? std::string() : trial.wrong + "\n";
}
std::string faults(const Trial& trial) {
  std::string text;
  for (const sim::SimFault& fault : trial.report.faults) text += fault.text();
  return text;
}
/// A kernel that does nothing costs nothing; so what it costs is of interest where it is right.
std::string too_dear(const Trial& trial) {
  const std::string text = wrong_numbers(trial) + faults(trial);
  return text.empty() ? beyond(trial.limits) : text;
}
std::string figures(const Trial& trial) {
  return table_of(trial.limits) + wrong_numbers(trial) + faults(trial);
}

struct Question {
  std::string_view name, answer;
  std::string (*ask)(const Trial&);
};
constexpr Question kQuestions[] = {{"right", "all numbers are right", wrong_numbers},
                                   {"clean", "nothing is wrong", faults},
                                   {"cost", "every figure is within its limit", too_dear},
                                   {"figures", "", figures}};

int grade(const MendTask& task, const Question& question, const std::vector<Size>& sizes) {
  const sim::Module module =
      sim::parse(text_of(mend_kernels(), task.name), fmt::format("{}.ptx", task.name));
  sim::LaunchOptions options;
  options.instruction_budget = kBudget;
  uint32_t seed = 1;
  for (const Size& size : sizes) {
    for (const bool reversed : {false, true}) {
      options.reverse_blocks = reversed;
      const std::string problem = question.ask(task.run(module, size, seed++, options));
      if (question.answer.empty()) return fmt::print("{}", problem), 0;
      if (problem.empty()) continue;
      fmt::print("size {}:\n{}", size.text, problem);
      return 1;
    }
  }
  fmt::print("{}\n", question.answer);
  return 0;
}

int run(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "", asked = argc > 2 ? argv[2] : "";
  const std::vector<Size> sizes = sizes_of(argc > 3 ? argv[3] : "");
  for (const MendTask& task : mend_tasks())
    for (const Question& question : kQuestions)
      if (task.name == name && question.name == asked && !sizes.empty())
        return grade(task, question, sizes);
  fmt::print(
      stderr,
      "usage: tenon_mend lanes|sectors|banks|race|barrier right|clean|cost|figures SIZES [FILE]\n");
  return 2;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  return tenon::lessons::grader_main(argc, argv, tenon::lessons::run);
}
