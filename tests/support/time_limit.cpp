#include "tests/support/time_limit.h"

#include <sys/time.h>

namespace tenon::tests {

void limit_processor_time(unsigned seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(seconds);
  setitimer(ITIMER_PROF, &timer, nullptr);
}

}  // namespace tenon::tests
