#include "runtime/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tenon::runtime {

std::string nearest(const std::string& name, const std::vector<std::string>& candidates) {
  constexpr size_t kLongest = 64;
  std::string best;
  size_t best_distance = std::max<size_t>(name.size() / 3, 1) + 1;
  for (const std::string& candidate : candidates) {
    if (std::max(name.size(), candidate.size()) > kLongest) continue;
    std::vector<size_t> row(candidate.size() + 1);  // Levenshtein's distance, a row at a time
    std::iota(row.begin(), row.end(), 0);
    for (size_t i = 1; i <= name.size(); i++) {
      size_t diagonal = std::exchange(row[0], i);
      for (size_t j = 1; j < row.size(); j++) {
        size_t replace = diagonal + (name[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
      }
    }
    if (row.back() < best_distance) {
      best = candidate;
      best_distance = row.back();
    }
  }
  return best;
}

}  // namespace tenon::runtime
