// Whether the schedules of a program are such that its nests allow them.
#pragma once
#include "ast/check.h"
#include "driver/session.h"

namespace tenon::driver {

/// Reports every schedule that `tenon run` would refuse, on a processor, and on a GPU where a schedule is for one: of
/// all that main reaches; of closed functions that it does not; of open ones, what every sample refuses. Ends the
/// invocation if there is one. Costs nothing where there are no schedules.
void check_schedules(Session& session, ast::typed::Program program, ast::Unreached unreached);

}  // namespace tenon::driver
