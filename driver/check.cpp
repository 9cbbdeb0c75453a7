#include "driver/commands.h"
#include "driver/frontend.h"

namespace tenon::driver {

void command_check(Session& session) {
  check_program(session, false);
}

}  // namespace tenon::driver
