// From a file to the two parts of a program for a GPU.
#pragma once
#include <string>
#include <string_view>

#include "backend/gpu/generate.h"
#include "driver/session.h"

namespace tenon::driver {

/// `sm_80`: what --gpu-arch says, or what runs on most GPUs with what kernels want.
std::string_view gpu_arch(const Session& session);
/// Of the file on the command line.
backend::gpu::GeneratedForGpu generate_for_gpu(Session& session);
/// The PTX of its kernels; empty if it has none.
std::string write_ptx(Session& session, const backend::gpu::GeneratedForGpu& generated);
/// Runs it, kernels on the device.
void run_on(Session& session, runtime::Device& device, const backend::gpu::GeneratedForGpu& generated,
            const std::string& ptx);

}  // namespace tenon::driver
