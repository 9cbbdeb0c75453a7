// Times of kernels, taken while a program runs: generated code that was asked for it calls tn_clock() before
// a kernel and tn_profile() behind it. A context without a profile takes none; so kernels that other
// kernels call on their threads are part of those.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenon::runtime {

struct Profile {
  /// `keeps_calls`: each call by itself too, up to kMaxCalls of them.
  explicit Profile(size_t kernels, bool keeps_calls) : kernels(kernels), keeps_calls(keeps_calls) {}

  static constexpr size_t kMaxCalls = 1'000'000;
  struct Times {
    int64_t calls = 0, nanoseconds = 0;
  };
  struct Call {
    int32_t kernel;
    int64_t begin, end;  ///< nanoseconds of one clock
  };

  std::vector<Times> kernels;  ///< by number
  bool keeps_calls;
  std::vector<Call> calls;

  void add(int32_t kernel, int64_t begin, int64_t end);
};

/// Nanoseconds of a clock that only goes forward.
int64_t now();

/// Bytes a second that so many threads (0: all cores) read from memory at best: a block much larger than
/// caches, three times over, which takes some tens of milliseconds.
double memory_bandwidth(int threads);

}  // namespace tenon::runtime
