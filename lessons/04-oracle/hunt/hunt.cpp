// tenon_hunt: generated programs on the oracle and on a wrong compiler.
//
//   tenon_hunt show SEED               the program that generate(SEED) gives, and what it prints
//   tenon_hunt valid COUNT [FILE]      the first COUNT programs are right, end, and are not all
//   alike tenon_hunt find BUG COUNT [FILE]   the first of them that bug number BUG computes wrongly
//
// Programs are checked without the prelude and run in this process, so that thousands take seconds.
// With FILE, a grader's: the program in it must pass the same test, and where a program was found
// nothing more than that is said.
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

#include "ast/check.h"
#include "ast/interpret.h"
#include "lessons/04-oracle/hunt/planted.h"
#include "lexer/diag.h"
#include "parser/parser.h"
#include "runtime/context.h"
#include "tests/differential/generate.h"
#include "tests/support/text.h"

namespace tenon::lessons {
namespace {

constexpr int kMaxSteps = 2'000'000;  ///< scalar expressions that one run may evaluate

/// Ends a program that does not end by itself.
class StepLimit : public ast::typed::Observer {
 public:
  struct Reached {};
  void enter(const ast::typed::Expr&) override {
    if (--left_ < 0) throw Reached{};
  }

 private:
  int left_ = kMaxSteps;
};

/// What came of a program.
struct Result {
  enum Kind { ran, refused, failed, endless } kind;
  std::string text;  ///< its output; the diagnostics; the error
  bool operator==(const Result&) const = default;
};

std::string run_typed(const ast::typed::Program& program, Result::Kind& kind) {
  char* buffer = nullptr;
  size_t size = 0;
  runtime::Context context;
  context.out = open_memstream(&buffer, &size);
  if (!context.out) throw std::runtime_error("no memory for the output");
  std::string error;
  kind = Result::ran;
  try {
    StepLimit limit;
    ast::interpret(program, context, &limit);
  } catch (const StepLimit::Reached&) {
    kind = Result::endless;
    error = fmt::format("has not ended after {} steps\n", kMaxSteps);
  } catch (const ast::RunError& run_error) {
    kind = Result::failed;
    error = run_error.fault.message() + "\n";
  }
  std::fclose(context.out);
  context.out = stdout;
  const std::string output = std::string(buffer, size) + error;
  std::free(buffer);
  return output;
}

/// On the oracle, or as bug number `bug` compiles it.
Result run_program(const std::string& text, std::optional<int> bug = {}) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const uint32_t file = sources.add("generated.tn", text);
  const ast::Program tree = parser::parse(sources, file, diagnostics);
  std::optional<ast::typed::Program> program;
  if (!diagnostics.any()) program = ast::check({}, tree, {}, diagnostics);
  if (diagnostics.any()) {
    return {Result::refused, lexer::render(diagnostics.all().front(), sources)};
  }
  if (bug) miscompile(*program, *bug);
  Result result;
  result.text = run_typed(*program, result.kind);
  return result;
}

/// Why a generated program is of no use; empty if it is.
std::string problem_of(const Result& result) {
  switch (result.kind) {
    case Result::refused: return "the checker refuses it:\n" + result.text;
    case Result::failed: return "it fails: " + result.text;
    case Result::endless: return "it " + result.text;
    case Result::ran: return result.text.empty() ? "it prints nothing\n" : "";
  }
  return {};
}

int show(uint64_t seed) {
  const std::string text = tests::generate(seed);
  const Result result = run_program(text);
  const std::string problem = problem_of(result);
  fmt::print("{}\n{}", text, problem.empty() ? result.text : problem);
  return problem.empty() ? 0 : 1;
}

int valid(uint64_t count, const std::string& sample) {
  if (!sample.empty()) {
    const std::string problem = problem_of(run_program(tests::read_file(sample)));
    if (!problem.empty()) throw std::runtime_error(sample + ": " + problem);
  }
  std::set<std::string> different;
  for (uint64_t seed = 0; seed < count; ++seed) {
    const std::string text = tests::generate(seed);
    if (text != tests::generate(seed)) {
      fmt::print("generate({}) gives another program the second time\n", seed);
      return 1;
    }
    const std::string problem = problem_of(run_program(text));
    if (!problem.empty()) {
      fmt::print("generate({}) is of no use: {}{}", seed, problem, text);
      return 1;
    }
    different.insert(text);
  }
  if (different.size() < count - count / 10) {
    fmt::print("only {} of {} programs are different\n", different.size(), count);
    return 1;
  }
  fmt::print("{} programs are right, end, and are different\n", count);
  return 0;
}

int find(int bug, uint64_t count, const std::string& witness) {
  if (!witness.empty()) {
    const std::string text = tests::read_file(witness);
    const Result right = run_program(text);
    if (right.kind != Result::ran || run_program(text, bug) == right) {
      throw std::runtime_error(witness + " does not show the bug");
    }
  }
  for (uint64_t seed = 0; seed < count; ++seed) {
    const std::string text = tests::generate(seed);
    const Result right = run_program(text);
    if (right.kind != Result::ran) continue;
    const Result wrong = run_program(text, bug);
    if (wrong == right) continue;
    if (witness.empty()) {
      fmt::print("{}\ngenerate({}) gives this program. It prints\n{}\nbut with bug {}\n{}\n{}\n",
                 text, seed, right.text, bug, wrong.text, about(bug));
    } else {
      fmt::print("bug {} is found\n", bug);
    }
    return 0;
  }
  fmt::print("bug {} is not found: none of {} programs prints anything else with it\n", bug, count);
  return 1;
}

uint64_t number(std::string_view text, uint64_t most) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || behind != end || value > most) {
    throw std::runtime_error(fmt::format("{} is no number from 0 to {}", text, most));
  }
  return value;
}

int run(const std::vector<std::string>& words) {
  constexpr uint64_t kMost = 1'000'000;
  const auto file = [&](size_t at) { return words.size() > at ? words[at] : std::string(); };
  const std::string command = words.empty() ? "" : words[0];
  if (command == "show" && words.size() == 2) return show(number(words[1], ~uint64_t{0}));
  if (command == "valid" && (words.size() == 2 || words.size() == 3)) {
    return valid(number(words[1], kMost), file(2));
  }
  if (command == "find" && (words.size() == 3 || words.size() == 4)) {
    const auto bug = static_cast<int>(number(words[1], kBugs));
    if (bug == 0) throw std::runtime_error(fmt::format("bugs are numbered from 1 to {}", kBugs));
    return find(bug, number(words[2], kMost), file(3));
  }
  fmt::print(stderr, "tenon_hunt: show SEED, valid COUNT, find BUG COUNT\n");
  return 2;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  int status = 1;
  try {
    tenon::runtime::run_on_large_stack([&] {
      status = tenon::lessons::run({argv + 1, argv + argc});
    });
  } catch (const std::exception& error) {
    fmt::print(stderr, "tenon_hunt: {}\n", error.what());
  }
  return status;
}
