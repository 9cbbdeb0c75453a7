// Differential test with programs that nobody wrote: each prints the same on every engine.
//
//   tenon_generated TENON [FIRST COUNT]
//
// Runs generate(FIRST) and those behind it (40 from 0 on, unless told) with --strict on the tree
// interpreter, the SSA interpreter, and compiled at -O0 and -O2. A program on which engines
// disagree is printed, with its seed.
#include <fmt/format.h>

#include <charconv>
#include <string>
#include <vector>

#include "tests/differential/generate.h"
#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

const std::vector<std::vector<std::string>> kOthers = {
    {"--target", "ir"},
    {"--target", "cpu", "-O0"},
    {"--target", "cpu", "-O2"},
};

/// On the engine that the words ask for; the program is its standard input.
Outcome run_on(const std::string& tenon, const std::vector<std::string>& engine,
               const std::string& program) {
  Command command;
  command.argv = {tenon, "run", "--strict", "--verify-each", "-"};
  command.argv.insert(command.argv.end(), engine.begin(), engine.end());
  command.input = program;
  command.timeout = 120;  // seconds; sanitizers are slow
  return run(command);
}

std::string problem_of(const std::string& tenon, const std::string& program) {
  const Outcome right = run_on(tenon, {"--target", "interp"}, program);
  if (right.status != 0 || right.timed_out || right.out.empty()) {
    return fmt::format("the oracle: {}\n{}", describe(right), right.err);
  }
  for (const std::vector<std::string>& engine : kOthers) {
    const Outcome other = run_on(tenon, engine, program);
    const std::string name = fmt::format("{}", fmt::join(engine, " "));
    if (other.status != 0 || other.timed_out) {
      return fmt::format("{}: {}\n{}", name, describe(other), other.err);
    }
    if (other.out != right.out) {
      return fmt::format("{}: another output\n{}", name, difference(right.out, other.out));
    }
  }
  return {};
}

uint64_t number(std::string_view text, uint64_t otherwise) {
  uint64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int run_all(const std::string& tenon, uint64_t first, uint64_t count) {
  Tally tally("generated");
  for_each_in_parallel(count, [&](size_t i) {
    const std::string program = generate(first + i);
    const std::string problem = problem_of(tenon, program);
    problem.empty() ? tally.pass()
                    : tally.fail(fmt::format("seed {}", first + i), problem + program);
  });
  return tally.close();
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    fmt::print(stderr, "tenon_generated TENON [FIRST COUNT]\n");
    return 2;
  }
  using tenon::tests::number;
  const uint64_t first = argc == 4 ? number(argv[2], 0) : 0;
  return tenon::tests::run_all(argv[1], first, argc == 4 ? number(argv[3], 40) : 40);
}
