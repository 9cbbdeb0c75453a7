// What the kernels of tests/sim/foreign compute, said again for the processor.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/sim/simulator.h"

namespace tenon::tests {

using Floats = std::vector<float>;
inline constexpr int n = 256;  ///< numbers in each array

struct Example {
  runtime::sim::Dim3 grid, block;
  std::function<void(const Floats& a, const Floats& b, Floats& c)> reference;
  double bound = 0;  ///< |difference| <= bound * max(1, |expected|)
};

/// By the kernel's name, which is also its file's.
const std::map<std::string, Example>& examples();

}  // namespace tenon::tests
