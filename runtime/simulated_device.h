// The simulator in the place of a GPU.
#pragma once
#include <optional>
#include <vector>

#include "runtime/device.h"
#include "runtime/sim/simulator.h"

namespace tenon::runtime {

class SimulatedDevice : public Device {
 public:
  explicit SimulatedDevice(sim::LaunchOptions options = {}) : options_(std::move(options)) {}

  void load(const std::string& ptx) override;
  DeviceAddress allocate(int64_t bytes) override;
  void release(DeviceAddress address) noexcept override;
  void copy_in(DeviceAddress to, const void* from, int64_t bytes) override;
  void copy_out(void* to, DeviceAddress from, int64_t bytes) override;
  void copy(DeviceAddress to, DeviceAddress from, int64_t bytes) override;
  /// Throws DeviceError, with all that was found, where the simulator finds fault with the kernel.
  void launch(const std::string& kernel, const LaunchSize& size,
              std::span<const LaunchArgument> arguments) override;

  /// Of each launch, in order.
  const std::vector<sim::Report>& reports() const { return reports_; }

 private:
  const sim::LaunchOptions options_;
  sim::Device device_;
  std::optional<sim::Module> module_;
  std::vector<sim::Report> reports_;
};

}  // namespace tenon::runtime
