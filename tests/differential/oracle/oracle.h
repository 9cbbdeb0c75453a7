// The oracle: the tree interpreter defines what a program does, and every other way to run it must
// do the same, to the last bit of the output and the last word of the error.
//
//   - the SSA interpreter on the IR as lowered, and after every pass of the pipelines: the first
//   pass
//     after which something differs is the guilty one. After each pass the IR verifies, and
//     print(parse(t)) == t;
//   - the same after a list of passes in another order;
//   - loop nests, interpreted: as lowered, and at -O3 with the schedules that are chosen for them, and with
//     schedules drawn at random;
//   - machine code, at -O0 and -O3, with --strict;
//   - machine code at -O3 in the default mode, where the program is such that it may not differ
//     (Program::exact), or its LLVM IR is that of --strict.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/differential/oracle/engines.h"

namespace tenon::differential {

/// A way to run a program that disagrees with the tree interpreter, or is no way at all.
struct Finding {
  std::string engine;  ///< `ir after fold`, `cpu -O3 --strict`
  std::string what;    ///< `another output`, `the IR does not verify`, `died`
  std::string detail;  ///< for people
  std::string passes;  ///< of the pass list that ran; empty for compiled code
  /// The same disagreement, whatever the details.
  std::string signature() const { return engine + ": " + what; }
};

/// What is to be run, as text, so that it can be reduced and kept.
struct Case {
  std::string text;
  bool exact = true;
  std::string shuffled;  ///< passes in an order of their own, `own` last; may be empty
};

/// What came of one case.
struct Verdict {
  std::optional<Finding> finding;
  bool fails = false;                       ///< it ends in a run-time error
  std::map<std::string, int64_t> rewrites;  ///< `fold: constant`, how often
};

/// A case on which the interpreters agree, ready to be compiled.
struct Prepared {
  Source source;
  Outcome expected;
  ir::Module plain, optimized;  ///< through the pipelines of -O0 and -O3
  bool exact = true;
};

/// What is under way, for whoever finds a process dead.
struct Phase {
  char engine[64] = "";    ///< `ir after fold`
  char passes[1024] = "";  ///< the list that it is of; empty for compiled code
};

class Oracle {
 public:
  Verdict check(const Case& test) const;
  /// All of check() but the compiled code. Without a finding `prepared` is set.
  Verdict interpret(const Case& test, std::optional<Prepared>& prepared) const;
  /// The rest of it.
  std::optional<Finding> compile(const Prepared& prepared) const;
  /// Whether compile() finds nothing in programs that end well, compiled as one: a program of a few
  /// lines takes LLVM less time than LLVM takes to begin.
  bool compiles_together(const std::vector<const Prepared*>& programs) const;
  const Frontend& frontend() const { return frontend_; }

  /// Keeps what is under way in memory that outlives the process.
  void report_phase_to(Phase& memory) { phase_ = &memory; }

  /// Seconds spent, by engine.
  mutable std::map<std::string, double> seconds;

 private:
  template <class Work>
  auto timed(const char* engine, const Work& work) const;
  void enter(std::string_view engine) const;
  std::optional<Finding> compare(const std::string& engine, const Outcome& expected,
                                 const Outcome& actual) const;
  std::optional<Finding> check_text(const std::string& engine, const ir::Module& module) const;
  /// Runs the passes on the module, with everything that must hold after each.
  std::optional<Finding> check_passes(const Source& source, const Outcome& expected,
                                      const std::string& passes, ir::Module& module,
                                      Verdict& verdict) const;
  std::optional<Finding> check_loops(const Source& source, const Outcome& expected,
                                     const ir::Module& module, bool scheduled) const;
  std::optional<Finding> check_drawn(const Source& source, const Outcome& expected, const ir::Module& module,
                                     uint64_t seed) const;
  std::optional<Finding> check_compiled(const Prepared& prepared, const Compiled& how) const;
  std::optional<Finding> find(const Case& test, Verdict& verdict,
                              std::optional<Prepared>& prepared) const;
  /// Runs what may find something; exceptions are findings too.
  template <class Work>
  std::optional<Finding> guarded(const Work& work) const;

  Frontend frontend_;
  mutable Phase own_phase_;
  Phase* phase_ = &own_phase_;
};

/// Passes in an order that the pipelines' constraints allow, chosen by `salt`.
std::string shuffled_passes(uint64_t salt);

}  // namespace tenon::differential
