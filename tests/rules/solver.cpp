#include "tests/rules/solver.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

/// `#x80` and `#b101` as signed numbers, `(- 5)` as -5; anything else as it is.
std::string decimal(std::string_view value) {
  if (value.starts_with("(- ")) return fmt::format("-{}", value.substr(3, value.size() - 4));
  if (!value.starts_with("#")) return std::string(value);
  const int base = value[1] == 'x' ? 16 : 2;
  const std::string digits(value.substr(2));
  const int width = static_cast<int>(digits.size()) * (base == 16 ? 4 : 1);
  const uint64_t bits = std::stoull(digits, nullptr, base);
  const int unused = 64 - width;
  return std::to_string(static_cast<int64_t>(bits << unused) >> unused);
}

/// Of `((x #x80) (c1 (- 5)))` the values by their order.
std::vector<std::string> values_of(std::string_view model) {
  std::vector<std::string> values;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i < model.size(); ++i) {
    if (model[i] == '(' && ++depth == 2) begin = i + 1;
    if (model[i] != ')' || depth-- != 2) continue;
    const std::string_view pair = model.substr(begin, i - begin);
    values.push_back(decimal(trim(pair.substr(std::min(pair.find(' '), pair.size())))));
  }
  return values;
}

std::string described(const Question& question, std::string_view model) {
  const std::vector<std::string> values = values_of(model);
  if (values.size() != question.names.size()) return std::string(trim(model));
  std::string text;
  const size_t sides = values.size() - 2;
  for (size_t i = 0; i < sides; ++i)
    text += fmt::format("{}{} = {}", i > 0 ? ", " : "", question.names[i], values[i]);
  return fmt::format("{}: left {}, right {}", text, values[sides], values[sides + 1]);
}

constexpr std::string_view kEnd = "<end>";

}  // namespace

bool has_solver() {
  static const bool found = run({.argv = {"z3", "--version"}, .input = {}}).status == 0;
  return found;
}

std::vector<Answer> ask(std::span<const Question> questions, double seconds) {
  std::string script;
  for (const Question& question : questions) {
    script += fmt::format(
        "(reset)\n(set-option :timeout {})\n{}(check-sat)\n(get-value ({}))\n(echo \"{}\")\n",
        static_cast<int>((question.brief ? std::min(seconds, 2.0) : seconds) * 1000), question.text,
        fmt::join(question.names, " "), kEnd);
  }
  // Z3 does not always heed its own limit, so it is ended after ours.
  const double limit = seconds * static_cast<double>(questions.size()) + 1;
  const Outcome outcome = run({.argv = {"z3", "-in"}, .input = script, .timeout = limit});
  std::vector<Answer> answers(questions.size());
  size_t at = 0;
  std::string model;
  for (const std::string& line : split_lines(outcome.out)) {
    if (at >= answers.size()) break;
    if (line == kEnd) {
      if (answers[at].kind == Answer::refuted) answers[at].values = described(questions[at], model);
      model.clear();
      ++at;
    } else if (line == "unsat") {
      answers[at].kind = Answer::proved;
    } else if (line == "sat") {
      answers[at].kind = Answer::refuted;
    } else if (line.starts_with("(error") && !contains(line, "model is not available")) {
      throw std::runtime_error(fmt::format("z3: {}\n{}", line, questions[at].text));
    } else {
      model += line;
    }
  }
  return answers;
}

}  // namespace tenon::tests
