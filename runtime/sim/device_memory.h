// Global memory: allocations far apart in an address space of 64 bits, each with what is known
// about its bytes, and the modules whose variables live here.
#pragma once
#include <map>
#include <unordered_map>

#include "runtime/sim/shadow.h"
#include "runtime/sim/simulator.h"

namespace tenon::runtime::sim {

inline constexpr uint64_t kAddressAlignment = 256;
inline constexpr Address kFirstAddress = 0x10'0000'0000;

/// An allocation. Its bytes belong to the host's heap; between two of them lies a gap that belongs
/// to none, so that what runs over the end of one meets no other.
struct Allocation {
  Address base = 0;
  uint64_t bytes = 0;
  std::string name;
  bool is_constant = false;
  std::byte* data = nullptr;
  Shadow shadow;

  Allocation(Address base, uint64_t bytes, std::string name);
  ~Allocation();
  Allocation(const Allocation&) = delete;
  Allocation& operator=(const Allocation&) = delete;
  bool holds(Address first, uint64_t count) const {
    return first >= base && count <= bytes && first - base <= bytes - count;
  }
  std::string text() const;  ///< "`x` (4096 bytes)"
};

struct Device::Memory {
  explicit Memory(const GpuModel& model) : model(model) {}

  const GpuModel& model;
  std::map<Address, std::unique_ptr<Allocation>> allocations;
  Address next = kFirstAddress;
  /// Where each variable of a module is, in the order of the program's. Keeps the programs alive,
  /// so that no other comes to have the same address.
  struct Loaded {
    std::shared_ptr<const Program> program;
    std::vector<Address> variables;
  };
  std::unordered_map<const Program*, Loaded> modules;
  uint32_t launches = 0;
  uint64_t last_stamp = 0;
  uint32_t next_stamp(uint64_t blocks);

  Allocation& make(uint64_t bytes, std::string name);
  /// The one that holds the address, or none.
  Allocation* find(Address address) const;
  /// The one that ends last before the address, for messages; or none.
  const Allocation* before(Address address) const;
  const Loaded& load(const Module& module);
};

}  // namespace tenon::runtime::sim
