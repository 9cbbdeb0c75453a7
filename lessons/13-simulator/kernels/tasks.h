// The five kernels that exercises of lesson 13 are about: what each must compute, and what it may
// cost.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lessons/tool/grading.h"
#include "runtime/sim/simulator.h"

namespace tenon::lessons {

/// What is launched: `100`, or `100x64` for a kernel with two sizes.
struct Size {
  uint32_t m = 0, n = 1;
  std::string text;
};

struct Trial {
  runtime::sim::Report report;
  std::string wrong;  ///< the first number that is not as it should be; empty: all are
  std::vector<Limit> limits;
};

struct MendTask {
  std::string_view name;  ///< of the kernel, and of its file
  Trial (*run)(const runtime::sim::Module& module, const Size& size, uint32_t seed,
               const runtime::sim::LaunchOptions& options);
};
std::span<const MendTask> mend_tasks();

}  // namespace tenon::lessons
