#include "backend/gpu/generate.h"
#include "driver/commands.h"
#include "driver/cpu.h"
#include "driver/gpu.h"
#include "driver/ir_module.h"
#include "driver/optimize.h"

namespace tenon::driver {

using backend::gpu::GeneratedForGpu;

std::string_view gpu_arch(const Session& session) {
  if (session.options.gpu_arch.empty()) return "sm_80";
  return session.options.gpu_arch;
}

GeneratedForGpu generate_for_gpu(Session& session) {
  const ir::Module module = load_owned(session);
  backend::Options options = backend_options(session);
  options.gpu = gpu_arch(session);
  return session.timed("writing LLVM IR", [&] {
    return with_schedules(session, [&] { return backend::gpu::generate_for_gpu(module, options); });
  });
}

std::string write_ptx(Session& session, const GeneratedForGpu& generated) {
  backend::Options options = backend_options(session);
  options.gpu = gpu_arch(session);
  return session.timed("writing PTX", [&] { return backend::gpu::ptx(generated, options); });
}

std::string emit_ptx(Session& session) {
  std::string text;
  with_llvm([&] { text = write_ptx(session, generate_for_gpu(session)); });
  return text;
}

}  // namespace tenon::driver
