// One program on every engine, in this process: what each one made of it.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ast/tree.h"
#include "ast/typed.h"
#include "ir/ir.h"
#include "lexer/source.h"
#include "opt/loops/directive.h"
#include "opt/loops/machine.h"
#include "runtime/context.h"

namespace tenon::differential {

/// What whoever runs a program sees of it.
struct Outcome {
  std::string out;    ///< standard output
  std::string fault;  ///< `E0701 at 3:14: subscript …`; empty if it ended well
  bool operator==(const Outcome&) const = default;
};

/// A checked program with its source.
struct Source {
  lexer::SourceMap sources;
  ast::typed::Program typed;
};

/// The front end: holds the prelude, which it reads once.
class Frontend {
 public:
  Frontend();
  /// Throws Refused.
  Source check(const std::string& text) const;

  struct Refused {
    std::string code;  ///< of the first one
    std::string diagnostics;
  };

 private:
  lexer::SourceMap sources_;
  ast::Program prelude_;
};

/// Runs something that prints to a context. What is neither an end nor a run-time error passes
/// through.
Outcome observe(const lexer::SourceMap& sources,
                const std::function<void(runtime::Context&)>& program);

Outcome interpret_tree(const Source& source);
Outcome interpret_ir(const Source& source, const ir::Module& module);
/// Computes by their loop nests; scheduled, as a machine with small vectors would have them. With mode.gpu, as a GPU
/// would have them.
Outcome interpret_loops(const Source& source, const ir::Module& module, bool scheduled,
                        opt::loops::Mode mode = {.strict = true});

/// Compiled code; the module has been through `own`.
struct Compiled {
  int level = 0;
  bool strict = true;
  const opt::loops::NamedMachine* machine = nullptr;  ///< null: this one
};
/// Its LLVM IR; equal texts behave alike.
std::string llvm_text(const ir::Module& module, const Compiled& how);
Outcome run_compiled(const Source& source, const ir::Module& module, const Compiled& how);
/// The same for each number of threads, compiled once.
std::vector<Outcome> run_on_threads(const Source& source, const ir::Module& module, const Compiled& how,
                                    const std::vector<int>& threads);

/// Kernels on the simulated GPU, the rest compiled; asynchronous copies as late as they may, or at once. Throws
/// std::runtime_error where the simulator finds fault with one.
Outcome simulate(const Source& source, const ir::Module& module, const Compiled& how, bool late_copies);

/// One module that runs several: each prints what it prints, and then kBetween.
ir::Module joined(const std::vector<const ir::Module*>& modules);
inline constexpr std::string_view kBetween = "----\n";

}  // namespace tenon::differential
