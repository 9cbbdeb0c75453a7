#include "runtime/device_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "runtime/abi.h"

namespace tenon::runtime {

DeviceSession::~DeviceSession() {
  for (const auto& [address, bytes] : taken_) device_.release(address);
  for (const auto& [bytes, address] : spares_) device_.release(address);
}

// ---- memory

/// What was given back serves again: allocating makes a GPU wait for all that it was told to do.
DeviceAddress DeviceSession::take(int64_t bytes) {
  constexpr int64_t kStep = 256;
  bytes = (std::max<int64_t>(bytes, 1) + kStep - 1) / kStep * kStep;
  const auto spare = spares_.find(bytes);
  DeviceAddress address;
  if (spare != spares_.end()) {
    address = spare->second;
    spares_.erase(spare);
  } else {
    try {
      address = device_.allocate(bytes);
    } catch (const Fault&) {
      if (spares_.empty()) throw;
      for (const auto& [size, unused] : spares_) device_.release(unused);
      spares_.clear();
      address = device_.allocate(bytes);
    }
  }
  taken_.emplace(address, bytes);
  return address;
}

void DeviceSession::release(const DeviceCopy& copy, int64_t) noexcept {
  const auto found = taken_.find(copy.address);
  if (found == taken_.end()) return;
  spares_.emplace(found->second, found->first);
  taken_.erase(found);
}

DeviceAddress DeviceSession::to_device(void* data) {
  DeviceCopy& copy = device_copy_of(data);
  const int64_t bytes = bytes_of_block(data);
  if (copy.address == 0) copy.address = take(bytes);
  if (!copy.device_is_current && bytes > 0) {
    device_.copy_in(copy.address, data, bytes);
    ++traffic_.to_device;
    traffic_.bytes_to_device += bytes;
  }
  copy.device_is_current = true;
  return copy.address;
}

void DeviceSession::to_host(void* data, bool writes) {
  DeviceCopy& copy = device_copy_of(data);
  const int64_t bytes = bytes_of_block(data);
  if (!copy.host_is_current && bytes > 0) {
    device_.copy_out(data, copy.address, bytes);
    ++traffic_.to_host;
    traffic_.bytes_to_host += bytes;
  }
  copy.host_is_current = true;
  if (writes) copy.device_is_current = false;
}

// ---- launches

DeviceSession::Status DeviceSession::launch(int32_t number, void* const* slots) {
  const DeviceKernel& kernel = kernels_[static_cast<size_t>(number)];
  if (kernel.name.empty()) return fall_back(kernel, slots);
  std::vector<LaunchArgument> arguments;
  std::vector<std::pair<size_t, DeviceAddress>> results;
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    const auto& [kind, bytes] = kernel.params[i];
    switch (kind) {
      case DeviceKernel::Param::input: arguments.push_back({to_device(slots[i]), 8}); break;
      case DeviceKernel::Param::output: {
        DeviceCopy& copy = device_copy_of(slots[i]);
        if (copy.address == 0) copy.address = take(bytes_of_block(slots[i]));
        arguments.push_back({copy.address, 8});
        break;
      }
      case DeviceKernel::Param::result:
        results.emplace_back(i, take(bytes));
        arguments.push_back({results.back().second, 8});
        break;
      case DeviceKernel::Param::scalar:
        arguments.push_back({reinterpret_cast<uint64_t>(slots[i]), static_cast<int32_t>(bytes)});
        break;
    }
  }
  if (kernel.may_fail && fault_word_ == 0) {
    fault_word_ = take(sizeof(uint32_t));
    const uint32_t none = 0;
    device_.copy_in(fault_word_, &none, sizeof none);
  }
  if (kernel.takes_context) arguments.push_back({fault_word_, 8});
  if (kernel.blocks > 0) device_.launch(kernel.name, kernel.blocks, kernel.threads, arguments);
  ++traffic_.launches;
  if (kernel.may_fail && found_fault()) return fall_back(kernel, slots);
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    if (kernel.params[i].kind != DeviceKernel::Param::output) continue;
    DeviceCopy& copy = device_copy_of(slots[i]);
    copy.device_is_current = true;
    copy.host_is_current = false;
  }
  for (const auto& [i, address] : results) {
    device_.copy_out(slots[i], address, kernel.params[i].bytes);
    ++traffic_.to_host;
    traffic_.bytes_to_host += kernel.params[i].bytes;
    release({address}, 0);
  }
  return Status::done;
}

bool DeviceSession::found_fault() {
  uint32_t fault;
  device_.copy_out(&fault, fault_word_, sizeof fault);
  return fault != 0;
}

/// The host's version finds the first failing element, in order, and what to say of it.
DeviceSession::Status DeviceSession::fall_back(const DeviceKernel& kernel, void* const* slots) {
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    if (kernel.params[i].kind == DeviceKernel::Param::input) to_host(slots[i], false);
    if (kernel.params[i].kind != DeviceKernel::Param::output) continue;
    DeviceCopy& copy = device_copy_of(slots[i]);
    copy.host_is_current = true;
    copy.device_is_current = false;
  }
  ++traffic_.on_host;
  return Status::run_on_host;
}

}  // namespace tenon::runtime

using tenon::runtime::Context;
using tenon::runtime::DeviceError;
using tenon::runtime::DeviceSession;
using tenon::runtime::Fault;

int32_t tn_launch(tn_context* c, int32_t kernel, void* const* slots, int32_t site) {
  DeviceSession& session = *reinterpret_cast<Context*>(c)->device;
  try {
    return static_cast<int32_t>(session.launch(kernel, slots));
  } catch (const Fault& fault) {
    tn_fail(c, static_cast<int32_t>(fault.kind), site, fault.a, fault.b, nullptr);
  } catch (const DeviceError& error) {
    session.error = error.message;
  }
  return static_cast<int32_t>(DeviceSession::Status::failed);
}

/// A device that does not give back what it has cannot be gone on with, nor waited for.
void tn_to_host(tn_context* c, void* data, int32_t writes) {
  Context& context = *reinterpret_cast<Context*>(c);
  try {
    context.device->to_host(data, writes != 0);
  } catch (const DeviceError& error) {
    std::fflush(context.out);
    fmt::print(stderr, "tenon: {}\n", error.message);
    std::_Exit(1);
  }
}
