// Where the kernels of a module run: on the GPU, unless it lacks what they call; and which of them the
// host needs a version of.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "ir/loops.h"
#include "runtime/device_session.h"

namespace tenon::backend::gpu {

struct Placed {
  int32_t number;  ///< in Placement::kernels()
  bool on_gpu;
  bool on_host;    ///< too, where it may fail: it runs there again, to find the first failing element
};

/// Why a kernel, with all it calls, cannot run on a GPU; empty if it can. Where calls nest, 1,000 of them take more
/// stack than a thread has; nor can it where a function has tensors, or wants the C library.
std::string why_not_on_gpu(const ir::Module& module, const ir::loops::Kernel& kernel);

/// The functions that kernels call, directly or not, each once, callees first.
std::vector<ir::FuncId> callees_of(const ir::Module& module, const ir::loops::Kernel& kernel);

class Placement {
 public:
  Placement(const ir::Module& module, const std::vector<ir::loops::Kernel>& kernels);

  const Placed& of(const ir::loops::Kernel& kernel) const { return placed_.at(kernel.name); }
  const std::vector<runtime::DeviceKernel>& kernels() const { return kernels_; }

 private:
  std::map<std::string, Placed> placed_;
  std::vector<runtime::DeviceKernel> kernels_;
};

}  // namespace tenon::backend::gpu
