// Tensors of a workload on the GPU, and the numbers of the protocol (bench/cpu/worker/worker.h) in their types.
#pragma once
#include <string>
#include <vector>

#include "bench/cpu/worker/worker.h"
#include "runtime/cuda_device.h"

namespace tenon::bench {

/// The GPU; ends the process with status 3 where there is none, and says what is missing.
runtime::Device& gpu();
int gpu_capability();

int64_t bytes_of(runtime::DType type, int64_t count);
/// In f32, f16 or bf16, rounded to nearest. Throws DeviceError for other types.
std::string packed(runtime::DType type, const float* numbers, int64_t count);
void put(runtime::DeviceAddress to, runtime::DType type, const float* numbers, int64_t count);
void get(float* numbers, runtime::DType type, runtime::DeviceAddress from, int64_t count);

/// Memory that is given back at the end.
class Buffers {
 public:
  ~Buffers() { clear(); }
  runtime::DeviceAddress add(int64_t bytes);
  void clear() noexcept;

 private:
  std::vector<runtime::DeviceAddress> all_;
};

/// What a peer does; GPU_PEER in the environment is its name.
struct GpuPeer {
  const char* name;
  run_function (*prepare)(work*);
  void (*fetch)(work*);
};
extern const GpuPeer kTenon, kCublas, kCopy;

}  // namespace tenon::bench
