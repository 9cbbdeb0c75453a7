// An end to what may have none, that does not depend on what else the machine has to do.
#pragma once
#include <csignal>

namespace tenon::tests {

/// A signal that ends the process once it has used so many seconds of processors; 0: never.
inline constexpr int kOutOfTime = SIGPROF;
void limit_processor_time(unsigned seconds);

}  // namespace tenon::tests
