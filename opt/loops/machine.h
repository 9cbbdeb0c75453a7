// The machine that schedules are made for, in the numbers that they depend on.
#pragma once
#include <cstdint>

namespace tenon::opt::loops {

struct Machine {
  int64_t vector_bytes = 16;      ///< of a register
  int64_t vector_registers = 16;
  int64_t l1_bytes = 32 << 10, l2_bytes = 512 << 10;

  int64_t lanes(int64_t element_bytes) const { return vector_bytes / element_bytes; }
  bool operator==(const Machine&) const = default;
};

/// This one: its vector extensions (SSE2, AVX2, AVX-512, NEON) and caches, as the system says.
const Machine& host();

}  // namespace tenon::opt::loops
