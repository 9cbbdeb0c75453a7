// Operators of shapes that nobody chose do the same on every engine.
//
//   tenon_operators seeds FIRST COUNT   the programs of these seeds
//   tenon_operators show SEED           the program of a seed
//   tenon_operators check FILE.tn       one of one's own
//
// What the tree interpreter prints must come out, bit for bit,
//
//   - by loop nests under --strict, as they are scheduled for a processor and for a GPU;
//   - compiled under --strict, and in the default mode for every machine whose instructions this one has, on
//     1 and 3 threads: the programs' floats are such that no order of summation rounds;
//   - on the simulated GPU, asynchronous copies as late as they may;
//   - with schedules drawn at random.
//
// A program that finds something is printed after it has been made as simple as it gets.
#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "backend/backend.h"
#include "ir/lower.h"
#include "opt/pipelines.h"
#include "tests/differential/operators/operators.h"
#include "tests/differential/oracle/engines.h"
#include "tests/differential/oracle/reduce.h"
#include "tests/differential/oracle/sandbox.h"
#include "tests/differential/random_schedules.h"
#include "tests/support/numbers.h"
#include "tests/support/text.h"
#include "tests/support/time_limit.h"

namespace tenon::differential {
namespace {

const std::vector<int> kThreads = {1, 3};
constexpr unsigned kSeconds = 60;              ///< of processor time, for one program
constexpr std::chrono::seconds kReducing{60};  ///< then a program is simple enough
constexpr size_t kMostText = size_t{1} << 14;  ///< of what is said about one

class Trial {
 public:
  Trial(const Source& source, uint64_t seed) : source_(source), seed_(seed) {}

  /// `engine: what is wrong`; empty if nothing is.
  std::string run() {
    for (const auto& each : {&Trial::interpreted, &Trial::nests, &Trial::compiled, &Trial::simulated, &Trial::drawn}) {
      try {
        (this->*each)();
      } catch (const std::exception& error) {
        return fmt::format("{}: an error\n{}", engine_, error.what());
      }
      if (!problem_.empty()) return problem_;
    }
    return "";
  }

 private:
  ir::Module module(bool strict, const opt::loops::Machine& machine, bool gpu = false) const {
    ir::Module made = ir::lower(source_.typed);
    opt::PipelineOptions options;
    options.strict = strict;
    options.machine = machine;
    opt::run_pipeline(made, opt::pipeline(2, gpu ? opt::gpu_passes() : opt::cpu_passes()), options);
    return made;
  }

  void compare(const Outcome& outcome) {
    if (!problem_.empty() || outcome == expected_) return;
    problem_ = fmt::format("{}: another {}\n{}", engine_, outcome.fault == expected_.fault ? "output" : "error",
                           tests::difference(expected_.out + expected_.fault, outcome.out + outcome.fault));
  }

  void interpreted() {
    engine_ = "interp";
    expected_ = interpret_tree(source_);
  }
  void nests() {
    for (const bool gpu : {false, true}) {
      engine_ = gpu ? "loops for a GPU" : "loops";
      compare(interpret_loops(source_, module(true, opt::loops::kSimulated, gpu), true, {.strict = true, .gpu = gpu}));
    }
  }
  void compile(const Compiled& how, const std::string& name) {
    engine_ = name;
    const ir::Module made = module(how.strict, how.machine ? how.machine->machine : opt::loops::host());
    for (const Outcome& each : run_on_threads(source_, made, how, kThreads)) compare(each);
  }
  void compiled() {
    compile({2, true}, "cpu --strict");
    compile({2, false}, "cpu");
    for (const opt::loops::NamedMachine& each : opt::loops::machines())
      if (each.runs_here()) compile({2, false, &each}, fmt::format("cpu --cpu={}", each.name));
  }
  void simulated() {
    engine_ = "sim";
    compare(simulate(source_, module(false, opt::loops::kSimulated, true), {2, false}, true));
  }
  void drawn() {
    engine_ = "cpu, scheduled at random";
    ir::Module made = module(false, opt::loops::host());
    draw_schedules(made, seed_, {});
    for (const Outcome& each : run_on_threads(source_, made, {2, false}, kThreads)) compare(each);
  }

  const Source& source_;
  uint64_t seed_;
  Outcome expected_;
  std::string engine_, problem_;
};

/// Tries programs in child processes.
class Trier {
 public:
  Trier() { backend::cpu::preload(); }

  std::string problem_of(const std::string& text, uint64_t seed) {
    told_[0] = '\0';
    const std::string ended = in_child([&] {
      tests::limit_processor_time(kSeconds);
      const std::string problem = judged(text, seed);
      told_[problem.copy(told_, kMostText - 1)] = '\0';
      tests::limit_processor_time(0);
    });
    return ended.empty() ? told_ : ended;
  }

  /// The simplest program that is wrong in the same way.
  std::string reduced(uint64_t seed, const std::string& problem) {
    const auto first_line = [](const std::string& text) { return text.substr(0, text.find('\n')); };
    const auto end = std::chrono::steady_clock::now() + kReducing;
    return operator_program(reduce_bytes(bytes_of(seed), [&](const std::string& bytes) {
      return std::chrono::steady_clock::now() < end &&
             first_line(problem_of(operator_program(bytes), seed)) == first_line(problem);
    }));
  }

 private:
  std::string judged(const std::string& text, uint64_t seed) const {
    try {
      const Source source = frontend_.check(text);
      return Trial(source, seed).run();
    } catch (const Frontend::Refused& refused) {
      return "refused with " + refused.code + "\n" + refused.diagnostics;
    }
  }

  Frontend frontend_;
  char* told_ = static_cast<char*>(shared_memory(kMostText));
};

int run_seeds(uint64_t first, uint64_t count) {
  Trier trier;
  tests::Tally tally("operators");
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const std::string problem = trier.problem_of(operator_program(bytes_of(seed)), seed);
    if (problem.empty()) {
      tally.pass();
      continue;
    }
    fmt::print("seed {}: {}\n", seed, problem);
    std::fflush(stdout);
    tally.fail(fmt::format("seed {}", seed), problem + "\n" + trier.reduced(seed, problem));
  }
  return tally.close();
}

int check_file(const std::string& path) {
  const std::string problem = Trier().problem_of(tests::read_file(path), 0);
  fmt::print("{}\n", problem.empty() ? "all engines agree" : problem);
  return problem.empty() ? 0 : 1;
}

int main(const std::vector<std::string>& words) {
  uint64_t first = 0, count = 0;
  const std::string command = words.empty() ? "" : words[0];
  if (command == "seeds" && words.size() == 3 && tests::to_number(words[1], first) && tests::to_number(words[2], count))
    return run_seeds(first, count);
  if (command == "check" && words.size() == 2) return check_file(words[1]);
  if (command == "show" && words.size() == 2 && tests::to_number(words[1], first)) {
    fmt::print("{}", operator_program(bytes_of(first)));
    return 0;
  }
  fmt::print(stderr, "usage: see the head of tests/differential/operators.cpp\n");
  return 2;
}

}  // namespace
}  // namespace tenon::differential

int main(int argc, char** argv) { return tenon::differential::main({argv + 1, argv + argc}); }
