// A device in the host's memory, for tests of those who ask one.
#pragma once
#include <cstring>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "runtime/device.h"
#include "runtime/fault.h"

namespace tenon::tests {

using runtime::DeviceAddress;
using runtime::DeviceError;
using runtime::Fault;
using runtime::FaultKind;
using runtime::LaunchArgument;

/// A device with one kernel, which adds 1 to each of its input's floats; and one that fails.
class FakeDevice : public runtime::Device {
 public:
  void load(const std::string&) override {}
  DeviceAddress allocate(int64_t bytes) override {
    if (bytes > room) throw Fault{FaultKind::out_of_memory, bytes};
    memory[next].resize(static_cast<size_t>(bytes));
    return std::exchange(next, next + 0x1000);
  }
  void release(DeviceAddress address) noexcept override { memory.erase(address); }
  void copy_in(DeviceAddress to, const void* from, int64_t bytes) override {
    std::memcpy(memory.at(to).data(), from, static_cast<size_t>(bytes));
  }
  void copy_out(void* to, DeviceAddress from, int64_t bytes) override {
    std::memcpy(to, memory.at(from).data(), static_cast<size_t>(bytes));
  }
  void copy(DeviceAddress to, DeviceAddress from, int64_t bytes) override {
    const auto at = [&](DeviceAddress address) {
      const auto found = std::prev(memory.upper_bound(address));
      return found->second.data() + (address - found->first);
    };
    std::memmove(at(to), at(from), static_cast<size_t>(bytes));
  }
  void launch(const std::string& kernel, const runtime::LaunchSize&,
              std::span<const LaunchArgument> arguments) override {
    if (kernel == "broken") throw DeviceError{"it is broken"};
    if (kernel == "fails") {
      memory.at(arguments[2].bits)[0] = std::byte{1};
      return;
    }
    const auto* from = reinterpret_cast<const float*>(memory.at(arguments[0].bits).data());
    auto* to = reinterpret_cast<float*>(memory.at(arguments[1].bits).data());
    for (int i = 0; i < 4; ++i) to[i] = from[i] + 1;
  }

  int64_t room = 1 << 20;
  DeviceAddress next = 0x1000;
  std::map<DeviceAddress, std::vector<std::byte>> memory;
};

}  // namespace tenon::tests
