// Golden tests: every input below tests/golden/STAGE/ gives the output recorded beside it.
//
//   tenon_golden TENON [--bless] [--filter=PART] [FOLDER...]
//
// FOLDERs (tests/golden and the checks of the lessons' graders, unless others are given) hold the
// cases (see tests/support/golden_case.h) or folders of them, however deep; --filter takes only those with PART
// in their path. --bless records the outputs as the new expectations, but never papers over a wrong
// exit status, an empty output, or files that belong to no case.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "tests/support/arguments.h"
#include "tests/support/golden_case.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxEntries = 200;  ///< in one folder: more than that nobody can survey

// The cases of one folder. An expectation without an input is a test that no longer runs, silently.
std::vector<GoldenCase> collect(const fs::path& folder, const Arguments& arguments, Tally& tally) {
  const std::vector<fs::path> entries = entries_of(folder);
  if (entries.size() > kMaxEntries) {
    tally.fail(folder.string(), fmt::format("more than {} files; split it", kMaxEntries));
  }
  std::vector<GoldenCase> cases;
  for (const fs::path& path : entries) {
    if (!contains(path.string(), arguments.filter)) continue;
    if (is_input(path)) cases.push_back(read_case(fs::absolute(path)));
    const auto is_there = [&](std::string_view ending) {
      return fs::exists(fs::path(path).replace_extension(ending));
    };
    if (path.extension() == ".expected" && std::ranges::none_of(kInputEndings, is_there)) {
      tally.fail(folder_and_name(path), "there is no input for this expectation; delete it");
    }
  }
  return cases;
}

// What is wrong with a case as it lies there, or nothing; or that it skips, in its program's words.
std::string check(const GoldenCase& test, const std::string& tenon) {
  std::string actual;
  const std::string problem = run_case(test, tenon, actual);
  if (actual.starts_with(kSkipped)) return actual;
  if (!problem.empty()) return problem;
  if (!fs::exists(test.expected())) return "not recorded yet; look at it, then `make bless`";
  if (actual.empty()) return "an empty expectation shows nothing";
  return {};
}

std::string bless(const GoldenCase& test, const std::string& tenon) {
  if (!test.problem.empty()) return test.problem;
  const Outcome outcome = run(command_of(test, tenon));
  const std::string actual = recorded(outcome);
  if (outcome.timed_out || outcome.status != test.status) {
    return fmt::format("not recorded: {}, expected exit status {}\n{}", describe(outcome),
                       test.status, actual.substr(0, 2000));
  }
  if (actual.empty()) return "not recorded: an empty expectation shows nothing";
  if (actual.starts_with(kSkipped)) return actual;
  if (!fs::exists(test.expected()) || read_file(test.expected()) != actual) {
    write_file(test.expected(), actual);
    fmt::print("recorded {}\n", folder_and_name(test.expected()));
  }
  return {};
}

int run_all(const Arguments& arguments) {
  Tally tally("golden");
  std::vector<GoldenCase> cases;
  for (const std::string& folder : arguments.folders) {
    std::vector<fs::path> places{folder};
    for (size_t i = 0; i < places.size(); ++i) {
      const fs::path place = places[i];
      for (const fs::path& entry : entries_of(place)) {
        if (fs::is_directory(entry)) places.push_back(entry);
      }
      for (GoldenCase& test : collect(place, arguments, tally)) cases.push_back(std::move(test));
    }
  }
  for_each_in_parallel(cases.size(), [&](size_t i) {
    const std::string problem =
        arguments.bless ? bless(cases[i], arguments.tenon) : check(cases[i], arguments.tenon);
    const std::string name = folder_and_name(cases[i].input);
    if (const std::string why = skip_reason(problem); !why.empty()) return tally.skip(name, why);
    problem.empty() ? tally.pass() : tally.fail(name, problem);
  });
  return tally.close();
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  Arguments arguments = read_arguments(argc, argv);
  if (arguments.folders.empty()) {
    arguments.folders.push_back(root() / "tests/golden");
    for (const auto& path : folders_below(root() / "lessons", "checks")) {
      arguments.folders.push_back(path.string());
    }
  }
  return run_all(arguments);
}
