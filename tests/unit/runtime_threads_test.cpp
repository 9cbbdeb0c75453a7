// Parallel loops of the runtime: every turn once, faults by turn, stacks and memory of their own.
#include "runtime/threads.h"

#include <doctest/doctest.h>

#include <atomic>
#include <vector>

#include "runtime/abi.h"

namespace tenon::runtime {
namespace {

TEST_CASE("every turn is done once, on any number of threads") {
  for (const int threads : {0, 1, 2, 3, 16})
    for (const int64_t count : {0, 1, 2, 5, 1000}) {
      Context context;
      context.threads = threads;
      std::vector<std::atomic<int>> done(1000);
      const bool all = in_parallel(context, 7, 7 + count, [&](Context&, int64_t first, int64_t end) {
        for (int64_t turn = first; turn < end; ++turn) ++done[static_cast<size_t>(turn - 7)];
        return true;
      });
      CHECK(all);
      for (int64_t i = 0; i < 1000; ++i) CHECK(done[static_cast<size_t>(i)] == (i < count ? 1 : 0));
    }
}

TEST_CASE("the fault of the lowest turn is the context's") {
  for (const int threads : {0, 1, 2, 7})
    for (const int64_t lowest : {0, 10, 49, 50, 99}) {
      Context context;
      context.threads = threads;
      const bool all = in_parallel(context, 0, 100, [&](Context& own, int64_t first, int64_t end) {
        for (int64_t turn = first; turn < end; ++turn) {
          if (turn < lowest) continue;
          own.fault = Fault{FaultKind::subscript_out_of_range, turn, 100};
          return false;
        }
        return true;
      });
      CHECK_FALSE(all);
      REQUIRE(context.fault.has_value());
      CHECK(context.fault->a == lowest);
    }
}

/// Uses about `kilobytes` of stack.
int dig(int kilobytes) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(kilobytes);
  return kilobytes == 0 ? 0 : dig(kilobytes - 1) + (frame[0] == static_cast<char>(kilobytes));
}

TEST_CASE("each thread has a deep stack, and memory that is counted and given back") {
  Context context;
  context.threads = 4;
  std::atomic<int> depth = 0;
  run_on_large_stack([&] {
    in_parallel(context, 0, 4, [&](Context& own, int64_t first, int64_t end) {
      auto* c = reinterpret_cast<tn_context*>(&own);
      for (int64_t turn = first; turn < end; ++turn) {
        void* data = tn_alloc(c, 1000, 0);
        depth += dig(30'000);
        if (turn != 2) tn_drop(c, data);  // what is left goes with the context of the stretch
      }
      return true;
    });
  });
  CHECK(depth == 4 * 30'000);
  CHECK(context.live_bytes == 0);
  CHECK(context.peak_bytes >= 1000);
}

}  // namespace
}  // namespace tenon::runtime
