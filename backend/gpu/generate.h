// A module for a GPU: its kernels as LLVM IR for NVPTX, and the host's part, which launches them.
#pragma once
#include <string>
#include <vector>

#include "backend/backend.h"
#include "runtime/device_session.h"

namespace tenon::backend::gpu {

struct GeneratedForGpu {
  Generated host;
  std::string device;  ///< LLVM IR of the kernels; empty: there are none
  std::vector<runtime::DeviceKernel> kernels;
};

/// The module must have been through the pass `own`; `options.gpu` names the GPU.
GeneratedForGpu generate_for_gpu(const ir::Module& module, const Options& options);

/// PTX of the device's part. Throws BackendError.
std::string ptx(const GeneratedForGpu& generated, const Options& options);

}  // namespace tenon::backend::gpu
