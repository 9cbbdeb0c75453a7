// tenon opt FILE.ir --passes=a,b: any passes over IR text, like LLVM's and MLIR's `opt`.
#include "driver/commands.h"
#include "driver/ir_module.h"
#include "driver/optimize.h"
#include "driver/output.h"
#include "ir/text.h"

namespace tenon::driver {

void command_opt(Session& session) {
  ir::Module module = parse_ir(session);
  optimize(session, module, session.options.passes.value_or(""));
  write_output(session.options.output, ir::print(module));
}

}  // namespace tenon::driver
