#include "opt/loops/machine.h"

#include <unistd.h>

#include <algorithm>

namespace tenon::opt::loops {
namespace {

int64_t cache_bytes(int name, int64_t otherwise) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

#if defined(__x86_64__)
bool has_avx512() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}
bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

constexpr NamedMachine kMachines[] = {
#define MACHINE(name, triple, cpu, vector_bytes, vector_registers, l1_bytes, l2_bytes, meaning) \
  {name, triple, cpu, {vector_bytes, vector_registers, l1_bytes, l2_bytes}, meaning},
#include "opt/loops/machines.def"
};

Machine look() {
  Machine machine;
#if defined(__x86_64__)
  if (has_avx512()) {
    machine.vector_bytes = 64, machine.vector_registers = 32;
  } else if (has_avx2()) {
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

bool NamedMachine::is_of_this_kind() const {
#if defined(__x86_64__)
  return triple.starts_with("x86_64");
#elif defined(__aarch64__)
  return triple.starts_with("aarch64");
#else
  return false;
#endif
}

bool NamedMachine::runs_here() const {
  if (!is_of_this_kind()) return false;
#if defined(__x86_64__)
  return machine.vector_bytes <= 16 || (machine.vector_bytes <= 32 ? has_avx2() : has_avx512());
#else
  return true;
#endif
}

std::span<const NamedMachine> machines() {
  return kMachines;
}

const NamedMachine* find_machine(std::string_view name) {
  const auto found = std::ranges::find(kMachines, name, &NamedMachine::name);
  return found == std::end(kMachines) ? nullptr : found;
}

const Machine& host() {
  static const Machine machine = look();
  return machine;
}

}  // namespace tenon::opt::loops
