#include "runtime/sim/lanes.h"

namespace tenon::runtime::sim {

const Lanes& find_lanes() {
#ifdef TENON_SIM_AVX2
  static const bool fast = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                           __builtin_cpu_supports("bmi2");
  if (fast) return lanes_avx2::kTable;
#endif
  return lanes_any::kTable;
}

}  // namespace tenon::runtime::sim
