#include "ast/interpret.h"
#include "driver/commands.h"
#include "driver/frontend.h"
#include "driver/run.h"

namespace tenon::driver {

void run_interp(Session& session) {
  ast::typed::Program program = check_program(session);
  execute(session, [&](runtime::Context& context) { ast::interpret(program, context); });
}

}  // namespace tenon::driver
