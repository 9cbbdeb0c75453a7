// What is streamed is compared with: a copy by the driver of as many bytes, half of them read and half written.
#include <optional>

#include "bench/gpu/worker/tensors.h"

namespace tenon::bench {
namespace {

Buffers memory;
runtime::DeviceAddress from, to;
int64_t bytes;

void run(work*) { gpu().copy(to, from, bytes); }

/// Kinds of work that take no longer than their tensors take to come and go.
run_function prepare(work* work) {
  if (!is_kind(work, "axpy") && !is_kind(work, "gelu_tanh") && !is_kind(work, "softmax") &&
      !is_kind(work, "layer_norm") && !is_kind(work, "sum"))
    return nullptr;
  memory.clear();
  int64_t moved = bytes_of(runtime::DType::f32, work->out_size);
  for (int i = 0; i < work->inputs; ++i) moved += bytes_of(runtime::DType::f32, work->in_size[i]);
  bytes = moved / 2 / 256 * 256;
  from = memory.add(bytes);
  to = memory.add(bytes);
  return run;
}

/// It computes nothing.
void fetch(work*) {}

}  // namespace

const GpuPeer kCopy = {"copy", prepare, fetch};

}  // namespace tenon::bench
