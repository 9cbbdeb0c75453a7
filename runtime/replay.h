// A recording done again on a device, and what came out compared.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "runtime/recording.h"

namespace tenon::runtime {

/// Where the device gives something else than what was recorded. Of floats, any NaN is as good as any other.
struct Difference {
  size_t launch;       ///< its number, from 0; of what is copied back, that of the last one before
  std::string kernel;  ///< empty before the first
  std::string tensor;  ///< what the kernel calls it; empty: it is what was copied back
  DType type;
  int64_t element;  ///< the first that differs
  double expected, found;
  int64_t differing, of;  ///< how many elements do
  std::string text() const;
};

struct ReplayOptions {
  /// How far a float may be from what was recorded, relative to the largest in its tensor. 0: the same bits.
  double tolerance = 0;
  /// Called before each launch.
  std::function<void(const Recording::Launch&)> before = {};
};

/// Each kernel is judged by itself: where it leaves something else, what was recorded goes on in its place. Throws
/// DeviceError and Fault out_of_memory; what was allocated is given back in any case.
std::vector<Difference> replay(const Recording& recording, Device& device, const ReplayOptions& options = {});

}  // namespace tenon::runtime
