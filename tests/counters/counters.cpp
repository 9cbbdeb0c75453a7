// What the simulated GPU counts of the compiler's own kernels: that they ask memory for no more than they use,
// and that their threads do not wait for each other at its banks.
//
//   tenon_counters TENON [--filter=PART] [FOLDER...]
//
// The programs of each FOLDER (tests/counters, unless others are given) say what is expected, at their head:
//
//   //@ arguments --tf32                     more arguments for `tenon run`
//   //@ main_0: sectors per load 4.0         a figure of a kernel, as --profile names it: no more than that
//   //@ main_0: active lanes of 32 >= 32.0   no less
//
// Each runs twice: asynchronous copies arrive as late as they may, and at once.
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string>

#include "tests/support/arguments.h"
#include "tests/support/golden_case.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

constexpr double kTimeout = 300;

double number_of(std::string_view text) {
  double number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Figures by kernel and name.
using Figures = std::map<std::string, double>;

/// Of a profile's text: `kernel NAME  grid …`, then lines of a name, two blanks or more, and a number.
Figures figures_of(const std::string& profile) {
  Figures figures;
  std::string kernel;
  for (const std::string& line : split_lines(profile)) {
    if (line.starts_with("kernel ")) kernel = split_words(line)[1];
    const size_t end = line.find("  ", 2);
    if (!line.starts_with("  ") || end == line.npos) continue;
    const size_t value = line.find_first_not_of(' ', end);
    if (value != line.npos)
      figures.emplace(kernel + ": " + line.substr(2, end - 2), number_of(std::string_view(line).substr(value)));
  }
  return figures;
}

/// What is wrong with a figure; empty if nothing is.
std::string check(const std::string& expectation, const Figures& figures) {
  const size_t last = expectation.rfind(' ');
  const double bound = number_of(std::string_view(expectation).substr(last + 1));
  std::string name = expectation.substr(0, last);
  const bool least = name.ends_with(" >=");
  if (least) name.resize(name.size() - 3);
  const auto found = figures.find(name);
  if (found == figures.end()) return fmt::format("there is no figure `{}`\n", name);
  const bool holds = least ? found->second >= bound : found->second <= bound;
  return holds ? "" : fmt::format("{} is {}, not {} {}\n", name, found->second, least ? "at least" : "at most", bound);
}

std::string check(const fs::path& program, const std::string& tenon) {
  std::vector<std::string> arguments, expectations;
  for (const std::string& line : split_lines(read_file(program))) {
    const std::string text(directive(line));
    if (text.empty()) break;
    std::vector<std::string> words = split_words(text);
    if (words[0] == "arguments") arguments.insert(arguments.end(), words.begin() + 1, words.end());
    else expectations.push_back(text);
  }
  if (expectations.empty()) return "it says nothing that is expected";
  std::string wrong, printed;
  for (const char* copies : {"", "--early-copies"}) {
    Command command{{tenon, "run", "--target", "sim", "--profile", program.string()}, program.parent_path(), "", kTimeout};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    if (*copies != '\0') command.argv.push_back(copies);
    const Outcome outcome = run(command);
    if (outcome.status != 0 || outcome.timed_out) return describe(outcome) + "\n" + outcome.err;
    if (*copies == '\0') printed = outcome.out;
    else if (outcome.out != printed) wrong += fmt::format("with {} it prints something else\n", copies);
    const Figures figures = figures_of(outcome.err);
    for (const std::string& expectation : expectations) wrong += check(expectation, figures);
  }
  return wrong;
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  Arguments arguments = read_arguments(argc, argv);
  if (arguments.folders.empty()) arguments.folders.push_back((root() / "tests/counters").string());
  Tally tally("counters");
  for (const std::string& folder : arguments.folders)
    for (const fs::path& path : entries_of(folder)) {
      if (path.extension() != ".tn" || !contains(path.string(), arguments.filter)) continue;
      const std::string problem = check(fs::absolute(path), arguments.tenon);
      if (problem.empty()) tally.pass();
      else tally.fail(path.filename().string(), problem);
    }
  return tally.close();
}
