// One run of a program on a device. SSA functions run on the host; kernels are launched. A tensor has a
// place on both sides, and moves only when the other side wants it: between kernels nothing moves.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "runtime/context.h"
#include "runtime/device.h"

namespace tenon::runtime {

/// The device's side of a block, in its header.
struct DeviceCopy {
  DeviceAddress address = 0;  ///< 0: none yet
  bool host_is_current = true, device_is_current = false;
};
/// Of a tensor's data on the host, with the number of its bytes.
DeviceCopy& device_copy_of(void* data);
int64_t bytes_of_block(void* data);

/// A kernel as the host launches it.
struct DeviceKernel {
  enum class Param : uint8_t {
    input,   ///< a tensor
    output,  ///< a tensor, all of which it writes
    result,  ///< one number for the host: a place for it
    scalar,
  };
  struct Of {
    Param kind;
    int64_t bytes;  ///< of a result or scalar
    DType type = DType::f32;  ///< of an element
    std::string name = {};
  };
  std::string name;  ///< in PTX; empty: it runs on the host
  LaunchSize size = {};
  std::vector<Of> params = {};
  std::string on_host = {};    ///< that it runs there, and why; empty: it does not
  bool may_fail = false;       ///< takes the word that tells of a fault, behind its parameters
  bool takes_context = false;  ///< takes it, or null
};

/// How much has moved.
struct Traffic {
  int64_t to_device = 0, to_host = 0;              ///< copies
  int64_t bytes_to_device = 0, bytes_to_host = 0;
  int64_t launches = 0, on_host = 0;               ///< of kernels; runs of kernels on the host
};

class DeviceSession {
 public:
  DeviceSession(Device& device, const std::vector<DeviceKernel>& kernels)
      : device_(device), kernels_(kernels) {}
  DeviceSession(const DeviceSession&) = delete;
  DeviceSession& operator=(const DeviceSession&) = delete;
  ~DeviceSession();

  enum class Status : int32_t { done, failed, run_on_host };
  /// `slots`: for each parameter a tensor's data or a place on the host, or the bits of a scalar.
  /// run_on_host: a check failed, or the kernel is not for the device; all that it needs is there.
  /// Throws Fault out_of_memory, DeviceError.
  Status launch(int32_t kernel, void* const* slots);

  /// The host is about to read a tensor, or to write to it as well.
  void to_host(void* data, bool writes);
  /// Copies a part of one tensor to a part of another, or of itself; offsets in bytes.
  void copy_run(void* data, int64_t to, void* source, int64_t from, int64_t bytes);
  void release(const DeviceCopy& copy, int64_t bytes) noexcept;

  const Traffic& traffic() const { return traffic_; }

  std::string error;  ///< of the device, once something has failed for it

 private:
  DeviceAddress to_device(void* data);
  DeviceAddress take(int64_t bytes);
  void give_back(DeviceAddress address, int64_t bytes) noexcept;
  bool found_fault();
  Status fall_back(const DeviceKernel& kernel, void* const* slots);

  Device& device_;
  const std::vector<DeviceKernel>& kernels_;
  Traffic traffic_;
  DeviceAddress fault_word_ = 0;
  std::map<DeviceAddress, int64_t> taken_;          ///< with their bytes
  std::multimap<int64_t, DeviceAddress> spares_;    ///< given back, by bytes
};

}  // namespace tenon::runtime
