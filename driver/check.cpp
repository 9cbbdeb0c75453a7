#include "driver/commands.h"
#include "driver/fix.h"
#include "driver/frontend.h"

namespace tenon::driver {

void command_check(Session& session) {
  if (session.options.fix) apply_fixes(session.options);
  check_program(session, false);
}

}  // namespace tenon::driver
