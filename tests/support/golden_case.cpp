#include "tests/support/golden_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tests/support/text.h"

namespace tenon::tests {
namespace fs = std::filesystem;

fs::path GoldenCase::expected() const {
  return fs::path(input).replace_extension(".expected");
}

bool is_input(const fs::path& path) {
  return std::ranges::find(kInputEndings, path.extension().string()) != std::end(kInputEndings);
}

std::string skip_reason(std::string_view output) {
  if (!output.starts_with(kSkipped)) return {};
  return std::string(trim(output.substr(kSkipped.size(), output.find('\n') - kSkipped.size())));
}

std::string_view directive(std::string_view line) {
  for (std::string_view sign : {"//@", ";@"}) {
    if (line.starts_with(sign)) return trim(line.substr(sign.size()));
  }
  return {};
}

GoldenCase read_case(const fs::path& input) {
  GoldenCase test;
  test.input = input;
  for (const std::string& line : split_lines(read_file(input))) {
    const std::string_view text = directive(line);
    if (text.empty()) break;
    const std::vector<std::string> words = split_words(text);
    if (words[0] == "exit" && words.size() == 2) {
      const char* end = words[1].data() + words[1].size();
      if (std::from_chars(words[1].data(), end, test.status).ptr != end) {
        test.problem = "the exit status is not a number: " + words[1];
      }
    } else if (words[0] == "program" && words.size() == 2) {
      test.program = words[1];
    } else if (words[0] == "title") {
      test.title = trim(text.substr(5));
    } else if (test.arguments.empty()) {
      test.arguments = words;
    } else {
      test.problem = "a second command: " + line;
    }
  }
  if (test.arguments.empty() && test.problem.empty()) {
    test.problem = "the first line gives no command (`//@ emit tokens`)";
  }
  return test;
}

namespace {

bool runs_passes(const std::vector<std::string>& arguments) {
  const std::string& command = arguments[0];
  if (command == "opt" || command == "run") return true;
  const auto comes_before_passes = [](const std::string& word) {
    return word == "tokens" || word == "ast" || word == "types";
  };
  return command == "emit" && std::ranges::none_of(arguments, comes_before_passes);
}

}  // namespace

Command command_of(const GoldenCase& test, const std::string& tenon) {
  Command command;
  command.folder = test.input.parent_path();
  command.argv.push_back(
      test.program.empty() ? tenon : (fs::path(tenon).parent_path() / test.program).string());
  for (std::string word : test.arguments) {
    constexpr std::string_view kFolder = "{dir}";
    for (size_t at; (at = word.find(kFolder)) != std::string::npos;) {
      word.replace(at, kFolder.size(), command.folder.string());
    }
    command.argv.push_back(word);
  }
  if (test.program.empty() && runs_passes(test.arguments))
    command.argv.push_back("--verify-each");
  if (std::find(command.argv.begin(), command.argv.end(), "-") != command.argv.end()) {
    command.input = read_file(test.input);
  } else {
    command.argv.push_back(test.input.filename().string());
  }
  return command;
}

std::string recorded(const Outcome& outcome) {
  if (outcome.err.empty()) return outcome.out;
  const bool open_line = !outcome.out.empty() && outcome.out.back() != '\n';
  return outcome.out + (open_line ? "\n" : "") + "--- stderr\n" + outcome.err;
}

std::string run_case(const GoldenCase& test, const std::string& tenon, std::string& actual) {
  if (!test.problem.empty()) return test.problem;
  const Command command = command_of(test, tenon);
  const Outcome outcome = run(command);
  actual = recorded(outcome);
  if (outcome.timed_out || outcome.status != test.status) {
    return fmt::format("{}, expected exit status {}: {}\n{}", describe(outcome), test.status,
                       spelled(command.argv), actual.substr(0, 2000));
  }
  if (!fs::exists(test.expected())) return {};
  const std::string expected = read_file(test.expected());
  if (expected == actual) return {};
  return fmt::format("another output (- expected, + found): {}\n{}", spelled(command.argv),
                     difference(expected, actual));
}

}  // namespace tenon::tests
