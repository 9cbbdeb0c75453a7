// What `tenon run --profile` shows of a run: for each kernel the time, what it did in it, and how near that
// comes to what the machine could do (the roofline: Williams, Waterman and Patterson, CACM 2009).
#pragma once
#include <string>
#include <vector>

#include "ir/work.h"
#include "runtime/profile.h"

namespace tenon::backend {

/// A kernel as its module has it, by number.
struct KernelFacts {
  std::string name, place;  ///< `main.0`, `layer.tn:3:12`
  ir::loops::Work work;     ///< of one call
};

/// What the machine can do on so many threads.
struct Roofline {
  double flops_per_second = 0;  ///< fused multiply-adds of f32 vectors, two operations each
  double bytes_per_second = 0;  ///< reading from memory
  int threads = 0;

  /// Of the least time in which it could do some work: the larger of what its operations and its bytes take.
  double seconds(const ir::loops::Work& work) const;
};

/// A line for each kernel that ran, the most time first. `of roofline` is the least time that the machine
/// would need divided by the time that it took; more than 100% if caches had what should come from memory.
std::string profile_table(const std::vector<KernelFacts>& kernels, const runtime::Profile& profile,
                          const Roofline& roofline);

/// Every call as an event of Chrome's trace format, which Perfetto opens; times in microseconds from the
/// first call on.
std::string profile_trace(const std::vector<KernelFacts>& kernels, const runtime::Profile& profile);

}  // namespace tenon::backend
