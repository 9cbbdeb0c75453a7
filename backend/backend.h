// The backend: SSA functions and loop nests in, LLVM IR as text out; and for the CPU, that text as
// machine code in memory.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ast/run_error.h"
#include "ir/ir.h"
#include "opt/loops/choose.h"
#include "opt/memory/plan.h"
#include "runtime/context.h"

namespace tenon::backend {

struct Options {
  bool strict = false;    ///< no fused multiply-add, sums in order
  int level = 2;          ///< -O: of LLVM's code generator and, with llvm_opt, of its passes
  bool llvm_opt = true;
  std::string_view gpu = {};  ///< the GPU that kernels are for, `sm_80`; empty: they are for the CPU
  int64_t gpu_shared_bytes = 0;  ///< that its blocks share at most; 0: what such GPUs have
  const lexer::SourceMap* lines = nullptr;  ///< -g, and in PTX: whose lines the code tells; null: none
  const opt::loops::NamedMachine* target = nullptr;  ///< which machine; null: this one
  bool tf32 = false;                        ///< matrix units of a GPU may round f32
  bool profile = false;                     ///< takes the time of every kernel (runtime/profile.h)
};

/// What schedules may do.
opt::loops::Mode mode_of(const Options& options);

/// LLVM IR as one text, and the places that its faults name by number.
struct Generated {
  std::string text;
  std::vector<lexer::Span> sites;
  /// The same cut up, to be compiled side by side; none: the text as it is.
  struct Part {
    std::string text;
    bool final_form;  ///< LLVM's passes would find nothing to do
  };
  std::vector<Part> parts = {};
  /// Of main, in bytes: its frame, and the largest sum of sizes live at once (opt/memory/plan.h).
  struct {
    int64_t frame = 0, live = 0;
  } memory = {};
};

/// Every kernel of the module, function by function, with its schedule: what `emit loops` and `emit
/// schedule` print. From -O2 on the compiler chooses one for this machine.
std::vector<opt::loops::Scheduled> lower_kernels(const ir::Module& module, const Options& options);

/// Where its tensors will lie, verified. The module must have been through the pass `own`.
opt::memory::MemoryPlan plan_memory(const ir::Module& module, const Options& options);

/// The module must have been through the pass `own`.
Generated generate(const ir::Module& module, const Options& options);

namespace gpu {
class Placement;
}
/// The host's part of a module whose kernels run on a GPU.
Generated generate_host(const ir::Module& module, const Options& options,
                        const gpu::Placement& placement);

/// A place in the source as faults show it when no compiler is there to render it: `a.tn:3:12`, and
/// the line, underlined.
struct Place {
  std::string where, excerpt;
};

/// What code carries with it that runs without Tenon.
struct Alone {
  std::function<Place(const lexer::Span&)> place;
  std::string data_dir;  ///< where load() looks
};

/// The same as LLVM IR that stands alone (runtime/alone.h): a C function for each function of the
/// module that is exported, and C's main for its main.
Generated generate_alone(const ir::Module& module, const Options& options, const Alone& alone);

/// A C header for what generate_alone() exports. `file` is its name, `source` that of the program,
/// `link` says line by line how to link.
struct HeaderTexts {
  std::string file, source;
  std::vector<std::string> link;
};
std::string c_header(const ir::Module& module, const HeaderTexts& texts);
/// What C and C++ do not take for a name.
std::span<const std::string_view> c_reserved_words();

/// Milliseconds per phase, for --time-passes.
struct PhaseTime { std::string name; double ms; };

/// LLVM could not be opened or refused our text (a bug of ours unless LLVM is missing).
struct BackendError { std::string message; bool llvm_missing = false; };

namespace cpu {

/// Opens LLVM, which takes 5 to 15 ms, if nobody has: those who need it later find it open, or throw.
void preload();

/// Machine code in memory.
class Executable {
 public:
  /// Throws BackendError.
  Executable(const Generated& generated, const Options& options, std::vector<PhaseTime>* times);
  ~Executable();
  /// Runs main. Throws ast::RunError.
  void run(runtime::Context& context) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The host's assembly for `emit asm`. Throws BackendError.
std::string assembly(const Generated& generated, const Options& options);

/// PTX of LLVM IR for a GPU such as `sm_80`. Throws BackendError.
std::string ptx(const std::string& text, const std::string& processor);

/// An object file for the linker of each part; they see of each other what is hidden from others.
/// Throws BackendError.
std::vector<std::string> objects(const Generated& generated, const Options& options);

/// Operations on f32 a second that this machine does at best on so many threads. Throws BackendError.
double peak_flops(int threads);

/// "19.1.7", or why LLVM cannot be used, for `tenon doctor`.
std::string llvm_version();

}  // namespace cpu
}  // namespace tenon::backend
