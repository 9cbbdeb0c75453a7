// Differential test: every program gives the same output on every engine.
//
//   tenon_agree TENON [--bless] [--filter=PART] [--pending=LIST] [FOLDER...]
//
// Runs each FOLDER's programs (tests/programs and the examples, unless others are given; `x.tn` has
// its output `x.out` beside it) on the tree interpreter, the SSA interpreter, by loop nests as lowered
// and as scheduled for the CPU and for a GPU, compiled at -O0 and -O2, and on the simulated GPU. With
// --strict every output equals x.out byte for byte. Without it too, unless a directive at the program's
// head says otherwise:
//
//   //@ inexact 1e-5         by default numbers may differ by this much, relatively
//   //@ strict-only          by default anything may come out (a guess may tip over)
//   //@ exit 1               the program fails, with the same words everywhere
//   //@ fails 6:16           the same, and its error is at that place (or somewhere in a line: `6`)
//   //@ arguments -D N=3     more arguments for `tenon run`
//   //@ elsewhere stories    another runner tests it: its data is not part of the project
//
// And the IR that is printed is all there is to know, after every pass (stepwise.cpp); and so are the
// schedules that are printed.
// --bless records what the tree interpreter, which defines the language, prints as x.out.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/arguments.h"
#include "tests/support/golden_case.h"
#include "tests/support/numbers.h"
#include "tests/support/pending.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

constexpr double kTimeout = 120;  ///< seconds; the tree interpreter is slow, and sanitizers slower

/// The tree interpreter comes first: the others are compared with it.
const std::vector<std::vector<std::string>> kEngines = {
    {"--target", "interp"},
    {"--target", "ir"},
    {"--target", "loops", "-O0"},
    {"--target", "loops", "-O2"},
    {"--target", "loops", "--gpu-arch", "sm_80"},
    {"--target", "cpu", "-O0"},
    {"--target", "cpu", "-O2"},
    {"--target", "sim"},
};

struct Program {
  fs::path path;  ///< absolute
  int status = 0;
  std::string place;  ///< of the error that ends it; may be empty
  double tolerance = 0;
  bool strict_only = false;
  std::vector<std::string> arguments;
  std::string problem;  ///< why it cannot be run; empty if it can

  fs::path output() const { return fs::path(path).replace_extension(".out"); }
};

Program read_program(const fs::path& path) {
  Program program;
  program.path = path;
  for (const std::string& line : split_lines(read_file(path))) {
    const std::vector<std::string> words = split_words(directive(line));
    if (words.empty()) break;
    const std::string value = words.size() > 1 ? words[1] : "";
    if (words[0] == "strict-only") {
      program.strict_only = true;
    } else if (words[0] == "fails" && !value.empty()) {
      program.status = 1;
      program.place = value;
    } else if (words[0] == "arguments") {
      program.arguments.assign(words.begin() + 1, words.end());
    } else if (!(words[0] == "exit" && to_number(value, program.status)) &&
               !(words[0] == "inexact" && to_number(value, program.tolerance))) {
      program.problem = "an unknown directive: " + line;
    }
  }
  return program;
}

// ---- running

struct Run {
  std::vector<std::string> argv;
  Outcome outcome;
};

// In a folder of its own, so that what a program saves gets into nobody's way.
Run run_on(const Program& program, const std::string& tenon, const std::vector<std::string>& engine,
           bool strict) {
  ScratchFolder scratch;
  Run result;
  result.argv = {tenon, "run", program.path.string()};
  for (const auto* words : {&engine, &program.arguments}) {
    result.argv.insert(result.argv.end(), words->begin(), words->end());
  }
  if (strict) result.argv.push_back("--strict");
  result.argv.push_back("--verify-each");
  result.outcome = run({result.argv, scratch.path(), "", kTimeout});
  return result;
}

bool is_at(const Program& program, const std::string& error) {
  return error.starts_with(fmt::format("{}:{}:", program.path.string(), program.place));
}

/// What is wrong with one run; `error` is what the first engine wrote to standard error.
std::string judge(const Program& program, const Run& one, double tolerance,
                  const std::string& expected, const std::string& error) {
  const Outcome& outcome = one.outcome;
  if (outcome.timed_out || outcome.status != program.status) {
    return fmt::format("{}, expected exit status {}: {}\n{}", describe(outcome), program.status,
                       spelled(one.argv), outcome.err.substr(0, 2000));
  }
  if (!agree(expected, outcome.out, tolerance)) {
    return fmt::format("another output: {}\n{}", spelled(one.argv),
                       difference(expected, outcome.out));
  }
  if (!program.place.empty() && !is_at(program, outcome.err)) {
    return fmt::format("the error is not at {}: {}\n{}", program.place, spelled(one.argv),
                       outcome.err);
  }
  if (outcome.err != error) {
    return fmt::format("other words on standard error: {}\n{}", spelled(one.argv),
                       difference(error, outcome.err));
  }
  return {};
}

std::string check_engines(const Program& program, const std::string& tenon) {
  const std::string expected = read_file(program.output());
  const std::string error = run_on(program, tenon, kEngines[0], true).outcome.err;
  for (const std::vector<std::string>& engine : kEngines) {
    for (bool strict : {true, false}) {
      if (!strict && program.strict_only) continue;
      const Run one = run_on(program, tenon, engine, strict);
      const double tolerance = strict ? 0 : program.tolerance;
      const std::string problem = judge(program, one, tolerance, expected, error);
      if (!problem.empty()) return problem;
    }
  }
  return {};
}

std::string bless(const Program& program, const std::string& tenon) {
  if (!program.problem.empty()) return program.problem;
  const Run one = run_on(program, tenon, kEngines[0], true);
  if (one.outcome.timed_out || one.outcome.status != program.status) {
    return fmt::format("not recorded: {}, expected exit status {}\n{}", describe(one.outcome),
                       program.status, one.outcome.err);
  }
  if (one.outcome.out.empty() && program.status == 0) return "not recorded: it prints nothing";
  if (!fs::exists(program.output()) || read_file(program.output()) != one.outcome.out) {
    write_file(program.output(), one.outcome.out);
    fmt::print("recorded {}\n", program.output().filename().string());
  }
  return {};
}

// ---- IR text

/// Has tenon_stepwise, which lies beside tenon, look at the IR after every pass.
std::string check_ir(const Program& program, const std::string& tenon) {
  const ScratchFolder scratch;
  std::vector<std::string> argv{tenon, "emit", "ir", program.path.string(), "-o", "program.ir"};
  const std::vector<std::string>& arguments = program.arguments;
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const Outcome lowered = run({argv, scratch.path(), "", kTimeout});
  if (lowered.status != 0 || lowered.timed_out)
    return fmt::format("{}: {}\n{}", spelled(argv), describe(lowered), lowered.err);

  const auto data = std::find(arguments.begin(), arguments.end(), "--data");
  const fs::path folder = program.path.parent_path();
  const Outcome steps =
      run({{(fs::path(tenon).parent_path() / "tenon_stepwise").string(), "program.ir",
            program.output().string(), std::to_string(program.status),
            data == arguments.end() ? folder.string() : data[1]},
           scratch.path(),
           "",
           kTimeout});
  if (steps.status == 0 && !steps.timed_out) return {};
  return fmt::format("{}\n{}", describe(steps), steps.err);
}

// ---- schedules

/// What `emit schedule` prints, --schedule reads: the nests are the same.
std::string check_schedules(const Program& program, const std::string& tenon) {
  const ScratchFolder scratch;
  const auto emit = [&](std::string_view stage, std::vector<std::string> more) {
    std::vector<std::string> argv{tenon, "emit", std::string(stage), program.path.string()};
    for (const auto* words : {&program.arguments, static_cast<const std::vector<std::string>*>(&more)})
      argv.insert(argv.end(), words->begin(), words->end());
    return run({argv, scratch.path(), "", kTimeout});
  };
  const Outcome schedules = emit("schedule", {"-o", "chosen.sched"});
  const Outcome before = emit("loops", {}), after = emit("loops", {"--schedule", "chosen.sched"});
  for (const Outcome* outcome : {&schedules, &before, &after})
    if (outcome->status != 0 || outcome->timed_out)
      return fmt::format("schedules: {}\n{}", describe(*outcome), outcome->err);
  if (after.out == before.out) return {};
  return "the schedules that are printed make other nests\n" + difference(before.out, after.out);
}

// ---- all of them

bool is_tested_elsewhere(const fs::path& program) {
  for (const std::string& line : split_lines(read_file(program))) {
    if (directive(line).starts_with("elsewhere ")) return true;
  }
  return false;
}

std::vector<Program> collect(const fs::path& folder, const std::string& filter, Tally& tally) {
  std::vector<Program> programs;
  for (const fs::path& path : entries_of(folder)) {
    if (!contains(path.string(), filter)) continue;
    const fs::path source = fs::path(path).replace_extension(".tn");
    if (path.extension() == ".tn" && is_tested_elsewhere(path)) continue;
    if (path.extension() == ".tn") programs.push_back(read_program(fs::absolute(path)));
    if (path.extension() == ".out" && !fs::exists(source)) {
      tally.fail(path.filename().string(), "there is no program for this output; delete it");
    }
  }
  return programs;
}

std::string check(const Program& program, const std::string& tenon) {
  if (!program.problem.empty()) return program.problem;
  if (!fs::exists(program.output())) {
    return "there is no .out file; look at what it prints, then `make bless`";
  }
  std::string problem = check_engines(program, tenon);
  if (problem.empty()) problem = check_ir(program, tenon);
  return problem.empty() ? check_schedules(program, tenon) : problem;
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  Arguments arguments = read_arguments(argc, argv);
  if (arguments.folders.empty()) {
    arguments.folders.push_back(root() / "tests/programs");
    for (const fs::path& path : entries_of(root() / "examples")) {
      arguments.folders.push_back(path.string());
    }
  }
  Tally tally("differential");
  const Pending pending = arguments.pending.empty() ? Pending() : Pending(arguments.pending);
  std::vector<Program> programs;
  for (const std::string& folder : arguments.folders) {
    for (Program& program : collect(folder, arguments.filter, tally)) {
      programs.push_back(std::move(program));
    }
  }
  for_each_in_parallel(programs.size(), [&](size_t i) {
    const Program& program = programs[i];
    const bool recording = arguments.bless && !pending.holds(program.path);
    pending.settle(tally, program.path,
                   recording ? bless(program, arguments.tenon) : check(program, arguments.tenon));
  });
  return tally.close();
}
