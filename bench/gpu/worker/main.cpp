// The workers in C++, one program: GPU_PEER says which of them it is, worker.c reads what to do.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench/gpu/worker/tensors.h"
#include "runtime/fault.h"

namespace {

using namespace tenon;

const bench::GpuPeer& peer() {
  const char* name = std::getenv("GPU_PEER");
  for (const bench::GpuPeer* one : {&bench::kTenon, &bench::kCublas, &bench::kCopy})
    if (name != nullptr && std::strcmp(one->name, name) == 0) return *one;
  std::fprintf(stderr, "GPU_PEER names no peer\n");
  std::exit(2);
}

/// Nobody is left who could take an error of the GPU.
template <class Body>
auto or_end(const Body& body) {
  try {
    return body();
  } catch (const runtime::DeviceError& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
  } catch (const runtime::Fault& fault) {
    std::fprintf(stderr, "%s\n", fault.message().c_str());
  }
  std::exit(3);
}

run_function prepared = nullptr;

void run_or_end(work* work) {
  or_end([&] { prepared(work); });
}

}  // namespace

extern "C" run_function prepare(work* work) {
  prepared = or_end([&] { return peer().prepare(work); });
  return prepared == nullptr ? nullptr : run_or_end;
}

extern "C" void fetch(work* work) {
  or_end([&] { peer().fetch(work); });
}

extern "C" double seconds_of(run_function run, work* work, long count) {
  return or_end([&] {
    static runtime::CudaClock clock;
    clock.start();
    for (long i = 0; i < count; ++i) run(work);
    return clock.stop();
  });
}
