#include "driver/commands.h"
#include "driver/fix.h"
#include "driver/frontend.h"
#if TENON_UPTO >= 5
#include "driver/check_schedules.h"
#endif

namespace tenon::driver {

void command_check(Session& session) {
  if (session.options.fix) apply_fixes(session.options);
  ast::Unreached unreached;
  [[maybe_unused]] ast::typed::Program program = check_program(session, false, &unreached);
#if TENON_UPTO >= 5
  check_schedules(session, std::move(program), std::move(unreached));
#endif
}

}  // namespace tenon::driver
