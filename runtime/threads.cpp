#include "runtime/threads.h"

#include <fmt/format.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/version.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "runtime/abi.h"

namespace tenon::runtime {
namespace {

/// For kMaxCallDepth calls of any function. The system gives pages only as they are touched.
constexpr size_t kStackBytes = size_t{64} << 20;

/// Before anything else is asked of TBB.
void prepare() {
  static const tbb::global_control stacks(tbb::global_control::thread_stack_size, kStackBytes);
}

/// Of the machine, or so many of it as this process may use.
int cores() {
  prepare();
  return tbb::this_task_arena::max_concurrency();
}

/// Turns that are done one after the other, in a context that no other thread touches.
struct Stretch {
  int64_t first, end;
  bool done = false;
  int64_t peak_bytes = 0;
  std::optional<Fault> fault = {};
};

class Stretches {
 public:
  Stretches(Context& context, int64_t first, int64_t end, int64_t count, const Turns& turns)
      : context_(context), turns_(turns), lowest_failed_(static_cast<size_t>(count)) {
    for (int64_t i = 0, at = first; i < count; ++i) {
      const int64_t next = at + (end - at) / (count - i);
      stretches_.push_back({std::exchange(at, next), next});
    }
  }

  /// Those behind one that failed need not be done.
  void run(size_t number) {
    Stretch& stretch = stretches_[number];
    if (stretch.done || number > lowest_failed_) return;
    stretch.done = true;
    Context own;
    own.threads = 1;
    if (!turns_(own, stretch.first, stretch.end)) {
      size_t lowest = lowest_failed_;
      while (number < lowest && !lowest_failed_.compare_exchange_weak(lowest, number)) {}
    }
    stretch.fault = std::move(own.fault);
    stretch.peak_bytes = own.peak_bytes;
  }

  void run_all() {
    prepare();
    const auto run_one = [this](size_t number) { run(number); };
    try {
      tbb::parallel_for(size_t{0}, stretches_.size(), run_one, tbb::static_partitioner());
    } catch (...) {  // no memory for a task; what has been begun has been done
    }
    for (size_t i = 0; i < stretches_.size(); ++i) run(i);
  }

  bool finish() {
    int64_t bytes = context_.live_bytes;
    for (const Stretch& stretch : stretches_) bytes += stretch.peak_bytes;
    context_.peak_bytes = std::max(context_.peak_bytes, bytes);
    if (lowest_failed_ == stretches_.size()) return true;
    if (!context_.fault) context_.fault = std::move(stretches_[lowest_failed_].fault);
    return false;
  }

 private:
  Context& context_;
  const Turns& turns_;
  std::vector<Stretch> stretches_;
  std::atomic<size_t> lowest_failed_;
};

}  // namespace

int threads_of(int wanted) {
  return wanted > 0 ? wanted : cores();
}

bool in_parallel(Context& context, int64_t first, int64_t end, const Turns& turns) noexcept {
  if (first >= end) return true;
  const int threads = threads_of(context.threads);
  const int64_t count = std::min<int64_t>(end - first, threads);
  if (count == 1) return turns(context, first, end);
  try {
    Stretches stretches(context, first, end, count, turns);
    stretches.run_all();
    return stretches.finish();
  } catch (const std::bad_alloc&) {  // before anything has been begun
    return turns(context, first, end);
  }
}

std::string threads_text() {
  return fmt::format("{}, oneTBB {}.{}", cores(), TBB_VERSION_MAJOR, TBB_VERSION_MINOR);
}

}  // namespace tenon::runtime

using tenon::runtime::Context;

int32_t tn_parallel(tn_context* c, tn_turns turns, void* env, int64_t first, int64_t end) {
  const auto run = [&](Context& context, int64_t from, int64_t to) {
    return turns(reinterpret_cast<tn_context*>(&context), env, from, to) == 0;
  };
  return tenon::runtime::in_parallel(*reinterpret_cast<Context*>(c), first, end, run) ? 0 : 1;
}
