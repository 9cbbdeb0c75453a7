#include "runtime/sim/device_memory.h"

#include <fmt/format.h>

#include <cstring>

#include "runtime/memory.h"

namespace tenon::runtime::sim {

Allocation::Allocation(Address base, uint64_t bytes, std::string name)
    : base(base), bytes(bytes), name(std::move(name)), shadow(bytes) {
  data = runtime::allocate(static_cast<int64_t>(bytes));
  // What nobody wrote is a fault to read, but must not differ from run to run.
  std::memset(data, 0xcd, bytes);
}

Allocation::~Allocation() {
  runtime::release(data, static_cast<int64_t>(bytes));
}

std::string Allocation::text() const {
  return name.empty() ? fmt::format("the allocation at {:#x} ({} bytes)", base, bytes)
                      : fmt::format("`{}` ({} bytes)", name, bytes);
}

Allocation& Device::Memory::make(uint64_t bytes, std::string name) {
  if (bytes > static_cast<uint64_t>(memory_limit()))
    bytes = static_cast<uint64_t>(INT64_MAX);  // refused there
  auto made = std::make_unique<Allocation>(next, bytes, std::move(name));
  Allocation& result = *made;
  allocations.emplace(next, std::move(made));
  next += (bytes / kAddressAlignment + 2) * kAddressAlignment;
  return result;
}

Allocation* Device::Memory::find(Address address) const {
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) return nullptr;
  Allocation* found = std::prev(after)->second.get();
  return found->holds(address, 1) ? found : nullptr;
}

const Allocation* Device::Memory::before(Address address) const {
  auto after = allocations.upper_bound(address);
  return after == allocations.begin() ? nullptr : std::prev(after)->second.get();
}

Device::Device(const GpuModel& model) : memory_(std::make_unique<Memory>(model)) {}
Device::~Device() = default;

const GpuModel& Device::model() const {
  return memory_->model;
}

Address Device::allocate(uint64_t bytes, std::string name) {
  return memory_->make(bytes, std::move(name)).base;
}

void Device::free(Address address) {
  if (memory_->allocations.erase(address) == 0) {
    throw LaunchError(fmt::format("nothing is allocated at {:#x}", address));
  }
}

namespace {

Allocation& range_of(const Device::Memory& memory, Address address, uint64_t count) {
  Allocation* found = memory.find(address);
  if (found == nullptr && count == 0) {  // of an empty allocation, or right behind one
    auto after = memory.allocations.upper_bound(address);
    if (after != memory.allocations.begin()) found = std::prev(after)->second.get();
  }
  if (found == nullptr || !found->holds(address, count)) {
    throw LaunchError(
        fmt::format("{} bytes at {:#x} do not lie in one allocation", count, address));
  }
  return *found;
}

}  // namespace

void Device::write(Address to, std::span<const std::byte> from) {
  Allocation& target = range_of(*memory_, to, from.size());
  if (from.empty()) return;
  std::memcpy(target.data + (to - target.base), from.data(), from.size());
  target.shadow.set_initialized(to - target.base, from.size());
}

void Device::read(Address from, std::span<std::byte> to) const {
  const Allocation& source = range_of(*memory_, from, to.size());
  if (!to.empty()) std::memcpy(to.data(), source.data + (from - source.base), to.size());
}

std::span<const GpuModel> gpu_models() {
  static constexpr GpuModel kModels[] = {
#define GPU(...) {__VA_ARGS__},
#include "runtime/sim/gpu_models.def"
  };
  return kModels;
}

}  // namespace tenon::runtime::sim
