// No schedule changes what a program prints: not one that nobody would write.
//
//   tenon_schedules FOLDER SEEDS [FIRST]
//
// Every program of the folder is run as it is on the tree interpreter, and then, for each seed, with
// schedules drawn at random for all its computes:
//
//   - under --strict, by its loop nests and compiled, on 1, 2 and 7 threads: the same bits;
//   - in the default mode, where sums may be taken in parts: compiled, the same bits on 1, 2 and 7 threads;
//     the same as without schedules where the program's floats are whole numbers; within what its first
//     line says, `//@ inexact 1e-5`, elsewhere;
//   - likewise on the simulated GPU, asynchronous copies as late as they may and at once.
#include <fmt/format.h>

#include <stdexcept>
#include <string>

#include "ir/lower.h"
#include "ir/text.h"
#include "opt/pipelines.h"
#include "tests/differential/oracle/engines.h"
#include "tests/differential/random_schedules.h"
#include "tests/support/numbers.h"
#include "tests/support/text.h"

namespace tenon::differential {
namespace {

const std::vector<int> kThreads = {1, 2, 7};
constexpr opt::loops::Mode kModes[] = {{.strict = true}, {}, {.strict = true, .gpu = true}, {.gpu = true}};

struct Program {
  std::string name;
  double tolerance = 0;
  Source source;
  Outcome expected;
};

Program read_program(const Frontend& frontend, const std::filesystem::path& path) {
  const std::string text = tests::read_file(path);
  Program program{path.filename().string(), 0, frontend.check(text), {}};
  const std::vector<std::string> words = tests::split_words(tests::split_lines(text)[0]);
  if (words.size() == 3 && words[1] == "inexact") tests::to_number(words[2], program.tolerance);
  program.expected = interpret_tree(program.source);
  return program;
}

class Trial {
 public:
  Trial(const Program& program, uint64_t seed, opt::loops::Mode mode, DrawnSchedules& tally)
      : program_(program), mode_(mode), module_(ir::lower(program.source.typed)) {
    opt::PipelineOptions options;
    options.strict = mode.strict;
    opt::run_passes(module_, opt::parse_pipeline("O2"), options);
    const DrawnSchedules drawn = draw_schedules(module_, seed, mode);
    tally.applied += drawn.applied;
    tally.refused += drawn.refused;
  }

  /// What is wrong; empty if nothing is.
  std::string run() const {
    if (mode_.strict && interpret_loops(program_.source, module_, false, mode_) != program_.expected)
      return "the nests print something else";
    return mode_.gpu ? run_simulated() : run_compiled();
  }

  std::string text() const { return ir::print(module_); }
  std::string_view name() const {
    return mode_.gpu ? (mode_.strict ? "on a GPU, --strict" : "on a GPU") : mode_.strict ? "--strict" : "compiled";
  }

 private:
  std::string run_compiled() const {
    const std::vector<Outcome> outcomes =
        run_on_threads(program_.source, module_, {2, mode_.strict}, kThreads);
    for (size_t i = 1; i < outcomes.size(); ++i)
      if (outcomes[i] != outcomes[0])
        return fmt::format("{} threads print something else than one", kThreads[i]);
    return difference_from(outcomes[0]);
  }

  std::string run_simulated() const {
    const Outcome late = simulate(program_.source, module_, {2, mode_.strict}, true);
    if (simulate(program_.source, module_, {2, mode_.strict}, false) != late)
      return "copies that arrive at once make another result";
    return difference_from(late);
  }

  std::string difference_from(const Outcome& outcome) const {
    const bool same = outcome.fault == program_.expected.fault &&
                      tests::agree(program_.expected.out, outcome.out, mode_.strict ? 0 : program_.tolerance);
    return same ? "" : "it prints something else\n" + tests::difference(program_.expected.out, outcome.out);
  }

  const Program& program_;
  opt::loops::Mode mode_;
  ir::Module module_;
};

/// What is wrong, where whoever was asked threw it too.
std::string problem_of(const Trial& trial) {
  try {
    return trial.run();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

int run(int argc, char** argv) {
  uint64_t seeds = 0, first = 1;
  if (argc < 3 || !tests::to_number(argv[2], seeds) || (argc > 3 && !tests::to_number(argv[3], first))) {
    fmt::print(stderr, "usage: tenon_schedules FOLDER SEEDS [FIRST]\n");
    return 2;
  }
  const Frontend frontend;
  DrawnSchedules tally;
  int passed = 0, failed = 0;
  for (const auto& path : tests::entries_of(argv[1])) {
    if (path.extension() != ".tn") continue;
    const Program program = read_program(frontend, path);
    for (uint64_t seed = first; seed < first + seeds; ++seed) {
      for (const opt::loops::Mode mode : kModes) {
        const Trial trial(program, seed, mode, tally);
        const std::string problem = problem_of(trial);
        ++(problem.empty() ? passed : failed);
        if (!problem.empty())
          fmt::print("{}, seed {}, {}: {}\n{}\n", program.name, seed, trial.name(), problem, trial.text());
      }
    }
  }
  fmt::print("{} directives applied, {} refused\nschedules: {} passed, {} failed\n", tally.applied,
             tally.refused, passed, failed);
  return failed == 0 && tally.applied > 0 ? 0 : 1;
}

}  // namespace
}  // namespace tenon::differential

int main(int argc, char** argv) {
  return tenon::differential::run(argc, argv);
}
