// The machine that schedules are made for, in the numbers that they depend on.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace tenon::opt::loops {

struct Machine {
  int64_t vector_bytes = 16;      ///< of a register
  int64_t vector_registers = 16;
  int64_t l1_bytes = 32 << 10, l2_bytes = 512 << 10;

  int64_t lanes(int64_t element_bytes) const { return vector_bytes / element_bytes; }
  bool operator==(const Machine&) const = default;
};

/// A row of machines.def.
struct NamedMachine {
  std::string_view name, triple, cpu;
  Machine machine;
  std::string_view meaning;
  bool is_of_this_kind() const;  ///< the kind of processor that we run on, of whatever level
  /// Whether this one has its instructions.
  bool runs_here() const;
};
std::span<const NamedMachine> machines();
/// Null if there is none of that name.
const NamedMachine* find_machine(std::string_view name);

/// This one: its vector extensions (SSE2, AVX2, AVX-512, NEON) and caches, as the system says.
const Machine& host();
/// The one that loop nests are interpreted on: AVX2, and the caches of ir::loops::KernelEngine.
inline constexpr Machine kSimulated = {
    .vector_bytes = 32, .vector_registers = 16, .l1_bytes = 32 << 10, .l2_bytes = 1 << 20};

}  // namespace tenon::opt::loops
