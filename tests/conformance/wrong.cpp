// Conformance of the checker: every program of tests/conformance/wrong/ draws the errors that its
// head announces, at their places, and no others.
//
//   tenon_wrong TENON [--filter=PART]
//
//   //@ wrong 7:12      an error whose span starts in line 7, column 12
//   //@ wrong 7         an error in line 7; its column is a matter of taste
//
// Every program of right/ is fine, so the two folders show both sides of each rule.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/arguments.h"
#include "tests/support/golden_case.h"
#include "tests/support/pending.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

/// `7:12` or `7`, as the directives give it.
std::vector<std::string> announced(const fs::path& program) {
  std::vector<std::string> places;
  for (const std::string& line : split_lines(read_file(program))) {
    const std::vector<std::string> words = split_words(directive(line));
    if (words.size() == 2 && words[0] == "wrong") places.push_back(words[1]);
  }
  return places;
}

struct Found {
  std::string place;  ///< `7:12`
  std::string line;   ///< as the compiler printed it
};

/// The errors of `check --format=short`: lines `FILE:7:12: error[E0303]: …`.
std::vector<Found> errors_in(const std::string& output, const std::string& file) {
  std::vector<Found> errors;
  for (const std::string& line : split_lines(output)) {
    const size_t end = line.find(": error[");
    if (end == line.npos || !line.starts_with(file + ":")) continue;
    errors.push_back({line.substr(file.size() + 1, end - file.size() - 1), line});
  }
  return errors;
}

bool fits(const std::string& place, const std::string& found) {
  return place == found || found.starts_with(place + ":");
}

/// `E0901`, what is not there yet: never the error that a program is about.
constexpr std::string_view kNotYet = "error[E0901]";

/// Each announced place takes one error away; what is left on either side is wrong.
std::string compare(std::vector<std::string> places, std::vector<Found> errors) {
  std::string problem;
  // Exact places choose first, so that a bare line never takes their error.
  std::stable_partition(places.begin(), places.end(),
                        [](const std::string& place) { return contains(place, ":"); });
  for (const std::string& place : places) {
    const auto error = std::find_if(errors.begin(), errors.end(), [&](const Found& one) {
      return fits(place, one.place) && !contains(one.line, kNotYet);
    });
    if (error == errors.end()) {
      problem += fmt::format("no error at {}\n", place);
    } else {
      errors.erase(error);
    }
  }
  for (const Found& error : errors) problem += "not announced: " + error.line + "\n";
  return problem;
}

std::string check(const fs::path& program, const std::string& tenon) {
  const std::vector<std::string> places = announced(program);
  if (places.empty()) return "its head announces no error (`//@ wrong 7:12`)";
  const std::string file = program.filename().string();
  const Command command{{tenon, "check", "--format=short", file}, program.parent_path(), ""};
  const Outcome outcome = run(command);
  if (outcome.timed_out || outcome.status != 1) {
    return fmt::format("{}: {}\n{}", spelled(command.argv), describe(outcome), outcome.err);
  }
  return compare(places, errors_in(outcome.out + outcome.err, file));
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  const Arguments arguments = read_arguments(argc, argv);
  const fs::path home = root() / "tests/conformance";
  Tally tally("conformance-wrong");
  const Pending pending(home / "pending.txt");
  pending.check_entries(tally, home);
  std::vector<fs::path> programs = entries_of(home / "wrong");
  std::erase_if(programs, [&](const fs::path& path) {
    return path.extension() != ".tn" || !contains(path.string(), arguments.filter);
  });
  for_each_in_parallel(programs.size(), [&](size_t i) {
    pending.settle(tally, programs[i], check(programs[i], arguments.tenon));
  });
  return tally.close();
}
