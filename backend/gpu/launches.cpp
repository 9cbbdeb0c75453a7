// Kernels on a GPU, from the host's side.
#include "backend/function_writer.h"

namespace tenon::backend {

/// The host runs a kernel itself where it does not go to the GPU, or a check has failed there.
void FunctionWriter::launch(const Inst& inst, const Kernel& kernel,
                            const std::vector<std::string>& args) {
  const gpu::Placed& placed = on_gpu_->of(kernel);
  const std::string slots = out_.fresh("slots"), type = fmt::format("[{} x i64]", args.size());
  stack_slots_ += fmt::format("  {} = alloca {}, align 8\n", slots, type);
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string slot = out_.fresh("slot");
    out_.line("{} = getelementptr {}, ptr {}, i64 0, i64 {}", slot, type, slots, i);
    if (args[i].starts_with("i1 ")) {
      const std::string byte = out_.fresh("byte");
      out_.line("{} = zext {} to i8", byte, args[i]);
      out_.line("store i8 {}, ptr {}", byte, slot);
    } else {
      out_.line("store {}, ptr {}", args[i], slot);
    }
  }
  const std::string status = out_.fresh("status"), failed = out_.fresh("failed");
  out_.line("{} = call i32 @tn_launch(ptr %context, i32 {}, ptr {}, i32 {})", status, placed.number,
            slots, out_.module.site(inst.span));
  out_.line("{} = icmp eq i32 {}, 1", failed, status);
  out_.fail_if(failed);
  if (!placed.on_host) return;
  const std::string wanted = out_.fresh("wanted"), host = out_.fresh("host"), done = out_.fresh("done");
  out_.line("{} = icmp eq i32 {}, 2", wanted, status);
  out_.line("br i1 {}, label {}, label {}", wanted, host, done);
  out_.label(host);
  backend::write_call(out_, symbol("kernel." + kernel.name), conventions_.of(kernel), {}, {}, depth_,
                      args);
  out_.line("br label {}", done);
  out_.label(done);
}

void FunctionWriter::to_host(ValueId tensor, Access access) {
  if (on_gpu_ == nullptr || type(tensor).is_scalar()) return;
  out_.line("call void @tn_to_host(ptr %context, ptr {}, i32 {})", name(tensor),
            access == Access::changes ? 1 : 0);
}

}  // namespace tenon::backend
