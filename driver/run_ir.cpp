#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/ir_module.h"
#include "driver/run.h"
#include "ir/interpret.h"

namespace tenon::driver {

void run_ir(Session& session) {
  ir::Module module = load_optimized(session);
  ir::Counts counts;
  const auto show_counts = [&] {
    if (!session.options.profile.empty()) fmt::print(stderr, "{}", counts.table());
  };
  try {
    execute(session, [&](runtime::Context& context) {
      counts = {};  // --time runs it again
      ir::interpret(module, context, counts);
    });
  } catch (const Exit&) {
    show_counts();  // of what it did before it failed
    throw;
  }
  show_counts();
}

}  // namespace tenon::driver
