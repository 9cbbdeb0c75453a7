#include "runtime/simulated_device.h"

#include <limits>

namespace tenon::runtime {
namespace {

/// What the simulator refuses is an error of the device.
template <class Body>
auto guarded(const Body& body) {
  try {
    return body();
  } catch (const std::runtime_error& error) {  // PtxError, LaunchError
    throw DeviceError{std::string("the simulated GPU: ") + error.what()};
  }
}

}  // namespace

void SimulatedDevice::load(const std::string& ptx) {
  guarded([&] { module_ = sim::parse(ptx, "program.ptx"); });
}

DeviceAddress SimulatedDevice::allocate(int64_t bytes) {
  return device_.allocate(static_cast<uint64_t>(bytes));
}

void SimulatedDevice::release(DeviceAddress address) noexcept { device_.free(address); }

void SimulatedDevice::copy_in(DeviceAddress to, const void* from, int64_t bytes) {
  guarded([&] {
    device_.write(to, {static_cast<const std::byte*>(from), static_cast<size_t>(bytes)});
  });
}

void SimulatedDevice::copy_out(void* to, DeviceAddress from, int64_t bytes) {
  guarded([&] { device_.read(from, {static_cast<std::byte*>(to), static_cast<size_t>(bytes)}); });
}

void SimulatedDevice::copy(DeviceAddress to, DeviceAddress from, int64_t bytes) {
  std::vector<std::byte> between(static_cast<size_t>(bytes));
  copy_out(between.data(), from, bytes);
  copy_in(to, between.data(), bytes);
}

void SimulatedDevice::launch(const std::string& kernel, const LaunchSize& size,
                             std::span<const LaunchArgument> arguments) {
  if (size.blocks > std::numeric_limits<int32_t>::max())
    throw DeviceError{"the simulated GPU: a grid of more than 2^31 blocks"};
  if (size.shared_bytes > std::numeric_limits<int32_t>::max())
    throw DeviceError{"the simulated GPU: more than 2^31 bytes of shared memory"};
  std::vector<std::span<const std::byte>> values;
  for (const LaunchArgument& argument : arguments)
    values.push_back({reinterpret_cast<const std::byte*>(&argument.bits),
                      static_cast<size_t>(argument.bytes)});
  guarded([&] {
    const sim::KernelInfo* info = module_ ? module_->kernel(kernel) : nullptr;
    if (info == nullptr) throw sim::LaunchError("there is no kernel `" + kernel + "`");
    reports_.push_back(device_.launch(*module_, kernel, {static_cast<uint32_t>(size.blocks)},
                                      {static_cast<uint32_t>(size.threads)}, static_cast<uint32_t>(size.shared_bytes),
                                      sim::pack(*info, values), options_));
  });
  const sim::Report& report = reports_.back();
  if (report.ok()) return;
  std::string all;
  for (const sim::SimFault& fault : report.faults) all += "\n" + fault.text();
  throw DeviceError{"the simulated GPU finds fault with kernel `" + kernel + "`:" + all};
}

}  // namespace tenon::runtime
