#include "opt/loops/machine.h"

#include <unistd.h>

namespace tenon::opt::loops {
namespace {

int64_t cache_bytes(int name, int64_t otherwise) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

Machine look() {
  Machine machine;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    machine.vector_bytes = 64, machine.vector_registers = 32;
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    machine.vector_bytes = 32;
  }
#elif defined(__aarch64__)
  machine.vector_registers = 32;
#endif
  machine.l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, machine.l1_bytes);
  machine.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, machine.l2_bytes);
  return machine;
}

}  // namespace

const Machine& host() {
  static const Machine machine = look();
  return machine;
}

}  // namespace tenon::opt::loops
