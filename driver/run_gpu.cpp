// tenon run --target gpu: kernels on a GPU, the rest on the host.
#include <fmt/format.h>

#include <stdexcept>

#include "driver/commands.h"
#include "driver/cpu.h"
#include "driver/gpu.h"
#include "driver/record.h"
#include "driver/run.h"
#include "runtime/cuda_device.h"

namespace tenon::driver {
namespace {

using backend::gpu::GeneratedForGpu;

/// What has moved, how often kernels were launched, in one run; and which are not for a GPU.
void show_traffic(const runtime::Traffic& t, const std::vector<runtime::DeviceKernel>& kernels) {
  fmt::print(stderr,
             "launches: {}; on the host: {}; copies to the GPU: {} ({} bytes), back: {} ({} bytes)\n",
             t.launches, t.on_host, t.to_device, t.bytes_to_device, t.to_host, t.bytes_to_host);
  for (const runtime::DeviceKernel& kernel : kernels)
    if (!kernel.on_host.empty()) fmt::print(stderr, "{}\n", kernel.on_host);
}

}  // namespace

/// A fault in a kernel is one of the compiler's, whatever the program and its schedules are: those are checked.
void run_on(Session& session, runtime::Device& device, const GeneratedForGpu& generated,
            const std::string& ptx) {
  std::vector<backend::PhaseTime> times;
  const backend::cpu::Executable host(generated.host, backend_options(session), &times);
  for (auto& t : times) session.add_time(t.name, t.ms);
  std::string error;
  runtime::Traffic traffic;
  const auto run = [&](runtime::Context& context) {
    runtime::DeviceSession on_device(device, generated.kernels);
    context.device = &on_device;
    const auto leave = [&] {
      context.device = nullptr;
      error = on_device.error;
      traffic = on_device.traffic();
    };
    try {
      host.run(context);
    } catch (...) {
      leave();
      throw;
    }
    leave();
    if (!error.empty()) throw std::runtime_error(error);
  };
  try {
    if (!ptx.empty()) device.load(ptx);
  } catch (const runtime::DeviceError& refused) {
    throw std::runtime_error(refused.message);
  }
  execute(session, run);
  if (!session.options.profile.empty()) show_traffic(traffic, generated.kernels);
}

/// The best PTX that Tenon writes and a GPU takes.
static std::string best_for(int capability) {
  return capability >= 90 ? "sm_90" : capability >= 80 ? "sm_80" : "sm_75";
}

void run_gpu(Session& session) {
  with_llvm([&] {
    const std::jthread ahead = prepare_ahead();
    runtime::CudaInfo info;
    std::unique_ptr<runtime::Device> device;
    try {
      device = runtime::open_cuda(&info);
    } catch (const runtime::DeviceError& error) {
      fmt::print(stderr, "tenon: {}\n", error.message);
      throw Exit{kProgramWrong};
    }
    if (session.options.gpu_arch.empty()) session.options.gpu_arch = best_for(info.capability);
    session.options.gpu_shared_bytes = info.shared_bytes;
    const GeneratedForGpu generated = generate_for_gpu(session);
    const std::string ptx = write_ptx(session, generated);
    recorded(session, *device, [&](runtime::Device& on) { run_on(session, on, generated, ptx); });
  });
}

}  // namespace tenon::driver
