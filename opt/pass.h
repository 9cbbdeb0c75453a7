// The pass manager: one place for what every pass wants around it.
#pragma once
#include <functional>
#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/ir.h"
#include "ir/verify.h"
#include "opt/loops/machine.h"

namespace tenon::opt {

/// Where a pipeline stands, for whoever has to tell after a crash: a signal handler may read it.
struct Progress {
  size_t at = 0;         ///< which pass of the list runs
  std::string function;  ///< which function it is at; empty if it does not say
};

/// What a pass is given: its module, and leave for each rewrite.
class PassContext {
 public:
  /// Every rewrite asks first, names itself for the statistics, and is skipped where the answer is
  /// no: that is how --bisect finds the first wrong one.
  bool may_rewrite(std::string_view what);
  /// A pass that goes from function to function says which one it is at, for what is said after a
  /// crash or by --bisect.
  void enter(const ir::Function& function) { progress->function = function.name; }

  bool strict = false;                    ///< only what is the same bit for bit
  loops::Machine machine;                 ///< that code is made for
  int64_t rewrites = 0;                   ///< granted so far, over all passes
  int64_t limit = -1;                     ///< of rewrites; -1: none
  std::map<std::string, int64_t> counts;  ///< rewrites of the present pass by name
  std::string last, last_function;        ///< name and function of the one that reached the limit
  Progress unseen;                        ///< if nobody wants to know
  Progress* progress = &unseen;           ///< never null
};

using PassFunction = void (*)(ir::Module& module, PassContext& context);

struct PassRow {
  std::string_view name;
  PassFunction run;
  int level;
  int lesson;
  std::string_view meaning;
  std::string_view before = "own";  ///< of a pass for one kind of processor: where it joins the pipeline
};
/// passes.def as a table.
std::span<const PassRow> passes();
/// gpu_passes.def likewise.
std::span<const PassRow> gpu_passes();
/// cpu_passes.def likewise.
std::span<const PassRow> cpu_passes();
/// Adds rows to those that find_pass() knows; they stay the caller's. Tests plant passes that are
/// wrong.
void add_passes(std::span<const PassRow> rows);
const PassRow* find_pass(std::string_view name);

/// The pipeline of an optimization level, a readable list: "simplify,gvn,fuse,gvn,dce,own".
std::string pipeline(int level);
/// The same for a kind of processor: with its passes where they join it, from their level on.
std::string pipeline(int level, std::span<const PassRow> added);

struct PipelineOptions {
  bool strict = false;  ///< as PassContext has it
  loops::Machine machine = loops::kSimulated;
  bool verify_each = false;
  bool print_changed = false;  ///< a diff after each pass that changed something
  std::vector<std::string> print_before, print_after;  ///< pass names, or "all"
  std::string stop_after;                              ///< a pass of the pipeline; empty: none
  int64_t bisect = -1;                                 ///< the number of rewrites allowed
  bool stats = false;
  std::ostream* log = nullptr;  ///< where all of these print
  /// Called with each pass's name and milliseconds.
  std::function<void(std::string_view, double)> on_time;
  Progress* progress = nullptr;  ///< kept up to date, if given
};

/// What a pipeline did.
struct PipelineResult {
  int64_t rewrites = 0;
  /// The one that reached `bisect`: which pass of the list made it, at which function, its name.
  size_t pass = 0;
  std::string function, rewrite;
};

/// A pipeline's text is wrong: an unknown pass, or an order that a constraint forbids.
struct BadPipeline {
  std::string message;
};
/// A pass broke the IR.
struct BrokenIr {
  std::string pass;
  std::vector<ir::Violation> violations;
};

/// Runs passes in this order. Throws BadPipeline if the options name a pass that is not there,
/// BrokenIr (with verify_each), and what a pass throws.
PipelineResult run_passes(ir::Module& module, std::span<const PassRow* const> list,
                          const PipelineOptions& options);
/// Runs "a,b,c" (parse_pipeline()).
PipelineResult run_pipeline(ir::Module& module, std::string_view pipeline,
                            const PipelineOptions& options);

}  // namespace tenon::opt
