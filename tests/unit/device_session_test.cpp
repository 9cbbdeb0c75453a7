// Tensors between host and device: they move when the other side wants them, and not before.
#include <doctest/doctest.h>

#include "runtime/abi.h"
#include "runtime/device_session.h"
#include "tests/unit/fake_device.h"

namespace tenon::tests {
namespace {

using namespace runtime;
using Param = DeviceKernel::Param;

const std::vector<DeviceKernel> kKernels = {
    {"adds", {1, 4}, {{Param::input, 16}, {Param::output, 16}}},
    {"fails", {1, 4}, {{Param::input, 16}, {Param::output, 16}}, "", true, true},
    {"", {}, {{Param::input, 16}, {Param::output, 16}}},
    {"broken", {1, 4}, {{Param::input, 16}, {Param::output, 16}}},
};

struct Run {
  FakeDevice device;
  Context context;
  DeviceSession session{device, kKernels};
  tn_context* c = reinterpret_cast<tn_context*>(&context);

  Run() { context.device = &session; }
  ~Run() { context.device = nullptr; }

  float* tensor(float first) {
    auto* data = static_cast<float*>(tn_alloc(c, 16, -1));
    for (int i = 0; i < 4; ++i) data[i] = first + static_cast<float>(i);
    return data;
  }
  int32_t launch(int32_t kernel, void* input, void* output) {
    void* slots[] = {input, output};
    return tn_launch(c, kernel, slots, -1);
  }
};

TEST_CASE("nothing moves between kernels") {
  Run run;
  float *a = run.tensor(1), *b = run.tensor(0), *last = run.tensor(0);
  CHECK(run.launch(0, a, b) == 0);
  CHECK(run.launch(0, b, last) == 0);
  CHECK(run.launch(0, last, b) == 0);
  CHECK(run.session.traffic().launches == 3);
  CHECK(run.session.traffic().to_device == 1);  // a
  CHECK(run.session.traffic().to_host == 0);
  tn_to_host(run.c, b, 0);
  CHECK(b[0] == 4);
  CHECK(b[3] == 7);
  tn_to_host(run.c, b, 0);
  CHECK(run.session.traffic().to_host == 1);
  CHECK(run.session.traffic().bytes_to_host == 16);
}

TEST_CASE("what the host changes goes to the device again, what it reads does not") {
  Run run;
  float *a = run.tensor(1), *b = run.tensor(0);
  run.launch(0, a, b);
  tn_to_host(run.c, a, 0);
  run.launch(0, a, b);
  CHECK(run.session.traffic().to_device == 1);
  CHECK(run.session.traffic().to_host == 0);  // it never left
  tn_to_host(run.c, a, 1);
  a[0] = 10;
  run.launch(0, a, b);
  CHECK(run.session.traffic().to_device == 2);
  tn_to_host(run.c, b, 0);
  CHECK(b[0] == 11);
}

TEST_CASE("a copy of a tensor is of what the device has made of it") {
  Run run;
  float *a = run.tensor(1), *b = run.tensor(0);
  run.launch(0, a, b);
  tn_share(b);
  auto* copy = static_cast<float*>(tn_own(run.c, b, 16, -1));
  CHECK(copy != b);
  CHECK(run.session.traffic().to_host == 0);
  tn_to_host(run.c, copy, 0);
  CHECK(copy[0] == 2);
}

TEST_CASE("a part of a tensor is replaced where the part is") {
  Run run;
  float *a = run.tensor(1), *b = run.tensor(0), *cache = run.tensor(10);
  run.launch(0, a, b);
  tn_copy_run(run.c, cache, cache + 2, b, b + 1, 8);
  CHECK(run.session.traffic().to_host == 0);
  tn_to_host(run.c, cache, 0);
  CHECK(cache[1] == 11);
  CHECK(cache[2] == 3);
  CHECK(cache[3] == 4);
  // What only the host has stays there.
  float *on_host = run.tensor(50), *other = run.tensor(0);
  const int64_t before = run.session.traffic().to_device;
  tn_copy_run(run.c, other, other, on_host, on_host + 3, 4);
  CHECK(other[0] == 53);
  CHECK(run.session.traffic().to_device == before);
}

TEST_CASE("where a check fails the host runs the kernel, with all that it needs") {
  Run run;
  float *a = run.tensor(1), *b = run.tensor(0), *c = run.tensor(0);
  run.launch(0, a, b);
  CHECK(run.launch(1, b, c) == 2);
  CHECK(b[0] == 2);
  CHECK(run.session.traffic().on_host == 1);
  c[0] = 5;  // the host's run
  tn_to_host(run.c, c, 0);
  CHECK(c[0] == 5);
}

TEST_CASE("a kernel that is not for the device runs on the host") {
  Run run;
  float *a = run.tensor(1), *b = run.tensor(0);
  CHECK(run.launch(2, a, b) == 2);
  CHECK(run.session.traffic().launches == 0);
  CHECK(run.session.traffic().to_device == 0);
}

TEST_CASE("memory of the device is given back, and taken again") {
  Run run;
  float *a = run.tensor(1), *b = run.tensor(0);
  run.launch(0, a, b);
  CHECK(run.device.memory.size() == 2);
  tn_drop(run.c, b);
  float* c = run.tensor(0);
  run.launch(0, a, c);
  CHECK(run.device.memory.size() == 2);
  run.device.room = 0;
  float* d = run.tensor(0);
  CHECK(run.launch(0, c, d) == 1);
  REQUIRE(run.context.fault);
  CHECK(run.context.fault->kind == FaultKind::out_of_memory);
}

TEST_CASE("what a device says of a failure is kept") {
  Run run;
  CHECK(run.launch(3, run.tensor(1), run.tensor(0)) == 1);
  CHECK(run.session.error == "it is broken");
}

}  // namespace
}  // namespace tenon::tests
