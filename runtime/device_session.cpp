#include "runtime/device_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

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

/// Where the source is on the device, the other goes there too: it is written to, and read by kernels, and
/// what a kernel has made need not come back for it.
void DeviceSession::copy_run(void* data, int64_t to, void* source, int64_t from, int64_t bytes) {
  DeviceCopy& target = device_copy_of(data);
  const bool whole = bytes == bytes_of_block(data);  // nothing of it stays
  if (device_copy_of(source).device_is_current) {
    if (!whole) to_device(data);
    else if (target.address == 0) target.address = take(bytes);
    device_.copy(target.address + static_cast<uint64_t>(to),
                 device_copy_of(source).address + static_cast<uint64_t>(from), bytes);
    target.host_is_current = false;
    target.device_is_current = true;
    return;
  }
  if (whole) target.host_is_current = true;
  to_host(data, true);
  std::memcpy(static_cast<std::byte*>(data) + to, static_cast<const std::byte*>(source) + from,
              static_cast<size_t>(bytes));
}

// ---- launches

static LaunchArgument tensor_at(DeviceAddress address, LaunchArgument::Tensor tensor) {
  return {address, sizeof address, tensor};
}

DeviceSession::Status DeviceSession::launch(int32_t number, void* const* slots) {
  const DeviceKernel& kernel = kernels_[static_cast<size_t>(number)];
  if (kernel.name.empty()) return fall_back(kernel, slots);
  using Use = LaunchArgument::Use;
  std::vector<LaunchArgument> arguments;
  std::vector<std::pair<size_t, DeviceAddress>> results;
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    const auto& [kind, bytes, type, name] = kernel.params[i];
    switch (kind) {
      case DeviceKernel::Param::input:
        arguments.push_back(tensor_at(to_device(slots[i]), {Use::reads, type, bytes_of_block(slots[i]), name}));
        break;
      case DeviceKernel::Param::output: {
        DeviceCopy& copy = device_copy_of(slots[i]);
        if (copy.address == 0) copy.address = take(bytes_of_block(slots[i]));
        arguments.push_back(tensor_at(copy.address, {Use::writes, type, bytes_of_block(slots[i]), name}));
        break;
      }
      case DeviceKernel::Param::result:
        results.emplace_back(i, take(bytes));
        arguments.push_back(tensor_at(results.back().second, {Use::writes, type, bytes, name}));
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
  if (kernel.takes_context) {
    arguments.push_back(fault_word_ == 0 ? LaunchArgument{0, 8}
                                         : tensor_at(fault_word_, {Use::fails, DType::i32, sizeof(uint32_t), "failed"}));
  }
  if (kernel.size.blocks > 0) device_.launch(kernel.name, kernel.size, arguments);
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

namespace {

/// A device that does not give back what it has cannot be gone on with, nor waited for.
template <class Body>
void or_end(tn_context* c, const Body& body) {
  Context& context = *reinterpret_cast<Context*>(c);
  std::string problem;
  try {
    return body(*context.device);
  } catch (const DeviceError& error) {
    problem = error.message;
  } catch (const Fault& fault) {
    problem = "the GPU: " + fault.message();
  }
  std::fflush(context.out);
  fmt::print(stderr, "tenon: {}\n", problem);
  std::_Exit(1);
}

}  // namespace

void tn_to_host(tn_context* c, void* data, int32_t writes) {
  or_end(c, [&](DeviceSession& session) { session.to_host(data, writes != 0); });
}

void tn_copy_run(tn_context* c, void* data, void* to, void* source, const void* from, int64_t bytes) {
  or_end(c, [&](DeviceSession& session) {
    session.copy_run(data, static_cast<std::byte*>(to) - static_cast<std::byte*>(data), source,
                     static_cast<const std::byte*>(from) - static_cast<const std::byte*>(source), bytes);
  });
}
