// NVIDIA GPUs, through the CUDA driver: libcuda.so.1, which is opened when it is wanted, so that nothing
// needs CUDA to be built or to start.
#pragma once
#include <memory>
#include <string>

#include "runtime/device.h"

namespace tenon::runtime {

/// What a GPU is called, and the PTX that it takes at best.
struct CudaInfo {
  std::string name;
  int capability = 0;        ///< 80 of compute capability 8.0
  int64_t shared_bytes = 0;  ///< that a block may have at most
};

/// The first GPU of this machine; any thread may use it, but not two at once. Throws DeviceError, which
/// says what is missing: the driver, a GPU, or that the GPU is too old.
std::unique_ptr<Device> open_cuda(CudaInfo* info);

/// Takes the time of work on the GPU of open_cuda, by events of its own: of what was launched between start() and
/// stop(). Needs a device that this thread has used. Throws DeviceError.
class CudaClock {
 public:
  CudaClock();
  CudaClock(const CudaClock&) = delete;
  CudaClock& operator=(const CudaClock&) = delete;
  ~CudaClock();

  void start();
  double stop();  ///< seconds; waits until all of it is done

 private:
  struct Events;
  std::unique_ptr<Events> events_;
};

}  // namespace tenon::runtime
