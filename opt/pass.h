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

namespace tenon::opt {

/// What a pass is given: its module, and leave for each rewrite.
class PassContext {
 public:
  /// Every rewrite asks first, names itself for the statistics, and is skipped where the answer is
  /// no: that is how --bisect finds the first wrong one.
  bool may_rewrite(std::string_view what);

  bool strict = false;                    ///< only what is the same bit for bit
  int64_t rewrites = 0;                   ///< granted so far, over all passes
  int64_t limit = -1;                     ///< of rewrites; -1: none
  std::map<std::string, int64_t> counts;  ///< rewrites of the present pass by name
};

using PassFunction = void (*)(ir::Module& module, PassContext& context);

struct PassRow {
  std::string_view name;
  PassFunction run;
  int level;
  int lesson;
  std::string_view meaning;
};
/// passes.def as a table.
std::span<const PassRow> passes();
const PassRow* find_pass(std::string_view name);

/// The pipeline of an optimization level, a readable list: "simplify,cse,fuse,cse,dce,own".
std::string pipeline(int level);

struct PipelineOptions {
  bool strict = false;  ///< as PassContext has it
  bool verify_each = false;
  bool print_changed = false;            ///< a diff after each pass that changed something
  std::vector<std::string> print_after;  ///< pass names, or "all"
  std::string stop_after;                ///< pass name; empty: none
  int64_t bisect = -1;                   ///< the number of rewrites allowed
  bool stats = false;
  std::ostream* log = nullptr;  ///< where all of these print
  /// Called with each pass's name and milliseconds.
  std::function<void(std::string_view, double)> on_time;
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

/// Runs "a,b,c". Throws BadPipeline, BrokenIr (with verify_each).
void run_pipeline(ir::Module& module, std::string_view pipeline, const PipelineOptions& options);

}  // namespace tenon::opt
