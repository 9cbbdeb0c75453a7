#include "runtime/profile.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <limits>

#include "runtime/abi.h"
#include "runtime/memory.h"
#include "runtime/threads.h"

namespace tenon::runtime {

void Profile::add(int32_t kernel, int64_t begin, int64_t end) {
  Times& times = kernels[static_cast<size_t>(kernel)];
  ++times.calls;
  times.nanoseconds += end - begin;
  if (keeps_calls && calls.size() < kMaxCalls) calls.push_back({kernel, begin, end});
}

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double memory_bandwidth(int threads) {
  constexpr int64_t kBytes = 128 << 20, kPiece = 1 << 20;
  std::byte* data = allocate(kBytes);
  std::memset(data, 1, kBytes);  // so that there are pages
  Context context;
  context.threads = threads;
  std::atomic<uint64_t> seen = 0;  // so that the reading is not left out
  const auto read = [&](Context&, int64_t first, int64_t end) {
    uint64_t sums[8] = {};
    for (const std::byte* at = data + first * kPiece; at != data + end * kPiece; at += 64) {
      uint64_t line[8];
      std::memcpy(line, at, sizeof line);
      for (int i = 0; i < 8; ++i) sums[i] += line[i];
    }
    for (const uint64_t sum : sums) seen += sum;
    return true;
  };
  int64_t best = std::numeric_limits<int64_t>::max();
  for (int i = 0; i < 3; ++i) {
    const int64_t begin = now();
    in_parallel(context, 0, kBytes / kPiece, read);
    best = std::min(best, std::max<int64_t>(now() - begin, 1));
  }
  release(data, kBytes);
  return static_cast<double>(kBytes) * 1e9 / static_cast<double>(best);
}

}  // namespace tenon::runtime

int64_t tn_clock() {
  return tenon::runtime::now();
}

void tn_profile(tn_context* c, int32_t kernel, int64_t begin) {
  tenon::runtime::Profile* profile = reinterpret_cast<tenon::runtime::Context*>(c)->profile;
  if (profile != nullptr) profile->add(kernel, begin, tenon::runtime::now());
}
