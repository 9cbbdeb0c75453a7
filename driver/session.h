// One invocation of tenon: its options, its files, its diagnostics, and where its time went.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lexer/diag.h"
#include "lexer/source.h"

namespace tenon::ast {
struct Program;
}

namespace tenon::driver {

/// The exit statuses of commands.md.
enum Status { kFine = 0, kProgramWrong = 1, kUsageWrong = 2, kInternalError = 70 };

/// Thrown to end the invocation after everything has been said.
struct Exit {
  Status status;
};

/// A wrong command line: printed and exit status 2.
struct UsageError {
  std::string message;
};

/// What --profile without a file is.
inline constexpr const char* kProfileTable = "table";

struct Options {
  std::string file;
  std::string target = "cpu";
  std::string gpu_arch;                      ///< --gpu-arch; empty: chosen
  int64_t gpu_shared_bytes = 0;              ///< that blocks share at most on the GPU that is there; 0: as on such GPUs
  int level = 2;
  bool llvm_opt = true;
  bool strict = false;
  bool tf32 = false;
  std::string schedule;                      ///< --schedule
  std::vector<std::string> directives;       ///< --directive
  bool time_passes = false;
  bool debug = false;  ///< -g
  std::string cpu = "host";  ///< --cpu
  bool verify_each = false;
  std::vector<std::string> defines;
  std::string data;                          ///< --data; empty: the program's folder
  int time_runs = 0;                         ///< --time
  int threads = 0;                           ///< --threads; 0: as many as the machine has
  std::string call;                          ///< --call F[N = 3]
  std::vector<std::string> inputs, outputs;  ///< --in x=x.npy, --out y.npy
  std::string trace;                         ///< --trace
  std::string profile;  ///< --profile: the file for the trace, or kProfileTable; empty: none
  std::string record;   ///< --record: what its files' names begin with; empty: nothing is recorded
  bool no_tensors = false, dry_run = false;
  std::string stage, output;  ///< emit, build
  std::vector<std::string> exports;  ///< --export NAME=F[N = 3]
  std::vector<std::string> constants;  ///< --constant F.w,b
  std::string dot, svg;       ///< --dot, --svg: which picture, or `default`; empty: none
  std::string function;       ///< --function
  lexer::DiagFormat format = lexer::DiagFormat::human;
  std::string color = "auto";
  std::string code;                ///< explain
  std::vector<std::string> files;  ///< fmt
  bool check = false;
  bool fix = false;  ///< check
  std::string launch, gpu = "H200";  ///< sim
  std::string steps;                 ///< sim --steps: text or svg; empty: the report
  uint32_t shared_bytes = 0;
  bool early_copies = false;
  // the pass manager's
  std::optional<std::string> passes;  ///< in the place of the -O level's
  std::string stop_after;
  std::vector<std::string> print_before, print_after;
  bool print_changed = false, stats = false;
  int64_t bisect = -1;
  bool bisect_auto = false;
  std::string bisect_with;
};

class Session {
 public:
  explicit Session(Options options) : options(std::move(options)) {}

  Options options;
  lexer::SourceMap sources;
  uint32_t root = 0;  ///< the program's own file; those before it are the prelude's
  lexer::Diagnostics diagnostics;
  std::string phase = "reading the command line";  ///< for internal errors
  /// If set, called after a crash was announced, in a signal handler too: says more about it.
  std::function<void()> after_crash;
  /// If set, makes the text of the `main` that runs in place of the program's.
  std::function<std::string(const ast::Program&)> entry;
  /// Functions for C are wanted in the place of main: those of --export, or all that can be had.
  bool library = false;

  /// Reads a file (`-`: standard input) into `sources`. Reports and throws Exit if it cannot.
  uint32_t open(const std::string& path);
  /// The same for one that is asked for at `from`; reports and gives nothing if it cannot.
  std::optional<uint32_t> open_imported(const std::string& path, lexer::Span from);
  /// Prints what was reported, and throws Exit if anything was.
  void stop_if_wrong(Status status = kProgramWrong);
  /// Prints one diagnostic to standard error.
  void show(const lexer::Diagnostic& diagnostic);

  /// Runs `work` under the name of a phase, and takes its time.
  template <class Work>
  auto timed(const std::string& name, Work work) {
    phase = name;
    Timer timer{*this, name};
    return work();
  }
  void add_time(std::string name, double ms) { times_.emplace_back(std::move(name), ms); }
  void print_times() const;

 private:
  struct Timer {
    Session& session;
    std::string name;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    ~Timer() {
      std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
      session.add_time(name, ms.count());
    }
  };
  bool color() const;
  std::vector<std::pair<std::string, double>> times_;
};

}  // namespace tenon::driver
