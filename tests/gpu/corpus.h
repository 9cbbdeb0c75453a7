// The recordings of a bundle: `list` has a line for each, its name and how far floats may be off.
//
//   strict/sm_80/products 0
//   fast/sm_80/matrix_units 1e-3
#pragma once
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/recording.h"

namespace tenon::gpu_tests {

struct Entry {
  std::string name;
  double tolerance;  ///< relative to the largest of a tensor
};

/// What is wrong with a bundle: which file, why.
struct CorpusError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws CorpusError.
std::vector<Entry> read_list(const std::filesystem::path& folder);
/// NAME.calls, .ptx and .data. Throws CorpusError.
runtime::Recording read_entry(const std::filesystem::path& folder, const Entry& entry);

/// 80 of `sm_80`; -1 if it is none.
int capability_of(std::string_view gpu);

}  // namespace tenon::gpu_tests
