// What a GPU is to the runtime, whichever it is: memory of its own, a module of kernels, launches. The
// simulator and the CUDA driver implement it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/scalar.h"

namespace tenon::runtime {

using DeviceAddress = uint64_t;

/// Thrown where the device or its driver refuses; says what it was asked for.
struct DeviceError {
  std::string message;
};

/// The value of a kernel's parameter, in the low bytes.
struct LaunchArgument {
  /// What lies at an address. Devices need not know; who records or compares does.
  enum class Use : uint8_t {
    reads,
    writes,  ///< all of it, unless the kernel fails
    fails,   ///< the word that is not 0 any more where it has failed
  };
  struct Tensor {
    Use use;
    DType type;
    int64_t bytes;
    std::string_view name;  ///< what the kernel calls it; valid as long as the call
  };

  uint64_t bits;
  int32_t bytes;
  std::optional<Tensor> tensor = {};
};

/// How many threads do a kernel, and what a block of them shares.
struct LaunchSize {
  int64_t blocks = 1, threads = 1;  ///< threads of a block
  int64_t shared_bytes = 0;         ///< of a block, besides what the kernel declares itself
};

/// Of shared memory, that a block may have of any kernel; more a kernel cannot declare, and is asked for.
inline constexpr int64_t kSharedBytes = 48 << 10;

class Device {
 public:
  virtual ~Device() = default;

  /// Makes the kernels of a PTX text known, in the place of those before. Throws DeviceError.
  virtual void load(const std::string& ptx) = 0;

  /// Uninitialized, aligned to 256 bytes. Throws Fault out_of_memory.
  virtual DeviceAddress allocate(int64_t bytes) = 0;
  virtual void release(DeviceAddress address) noexcept = 0;

  // After everything that was launched before. They throw DeviceError, also of a launch that failed.
  virtual void copy_in(DeviceAddress to, const void* from, int64_t bytes) = 0;
  virtual void copy_out(void* to, DeviceAddress from, int64_t bytes) = 0;
  virtual void copy(DeviceAddress to, DeviceAddress from, int64_t bytes) = 0;

  /// May return before it is done. Throws DeviceError.
  virtual void launch(const std::string& kernel, const LaunchSize& size,
                      std::span<const LaunchArgument> arguments) = 0;
};

}  // namespace tenon::runtime
