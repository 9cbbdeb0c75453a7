#include "driver/commands.h"
#include "driver/ir_module.h"
#include "driver/run.h"
#include "ir/interpret.h"

namespace tenon::driver {

void run_ir(Session& session) {
  ir::Module module = load_optimized(session);
  execute(session, [&](runtime::Context& context) { ir::interpret(module, context); });
}

}  // namespace tenon::driver
