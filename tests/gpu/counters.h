// What Nsight Compute counts on a card beside what the simulated GPU counted.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/recording.h"

namespace tenon::gpu_tests {

/// One counter of one launch, as `ncu --csv` prints it.
struct Counted {
  int64_t launch;  ///< its ID, from 0
  std::string kernel, counter;
  double value;
};

/// Rows behind the header; what stands before it (ncu's messages) is passed over. Throws CorpusError where there is
/// no header or a row that does not fit it.
std::vector<Counted> read_ncu(std::string_view csv);

/// The launches of a recording.
struct CountedLaunch {
  std::string recording;
  const runtime::Recording::Launch* launch;
};

struct CounterTable {
  std::string text;         ///< a line for each counter that is not 0 on both sides, with the ratio
  int64_t equal = 0, differing = 0, missing = 0;
};

/// `launches` in the order in which the card was given them.
CounterTable compare(const std::vector<CountedLaunch>& launches, const std::vector<Counted>& counted);

}  // namespace tenon::gpu_tests
