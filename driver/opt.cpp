// tenon opt FILE.ir --passes=a,b: any passes over IR text, like LLVM's and MLIR's `opt`. Of loop nests,
// FILE.loops, it prints what it has read.
#include "driver/commands.h"
#include "driver/ir_module.h"
#include "driver/nests.h"
#include "driver/optimize.h"
#include "driver/output.h"
#include "ir/text.h"

namespace tenon::driver {

void command_opt(Session& session) {
  if (session.options.file.ends_with(".loops")) return opt_nests(session);
  if (!session.options.directives.empty())
    throw UsageError{"--directive D is for the loop nests of a .loops file; --passes=LIST is for SSA functions"};
  ir::Module module = parse_ir(session);
  optimize(session, module, session.options.passes.value_or(""));
  write_output(session.options.output, ir::print(module));
}

}  // namespace tenon::driver
