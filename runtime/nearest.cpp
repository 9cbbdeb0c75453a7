#include "runtime/nearest.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace tenon::runtime {

namespace {

// In these units a letter of the other case costs 1, every other slip 2.
constexpr size_t kSlip = 2;
constexpr size_t kLongest = 64;
constexpr size_t kShortestCertain =
    3;  ///< between names as short as `i` and `j` a slip says nothing

size_t replacing(char a, char b) {
  if (a == b) return 0;
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return lower(a) == lower(b) ? 1 : kSlip;
}

/// Letters left out, added, replaced, or two neighbours exchanged: Damerau, CACM 7 (1964), 171-176,
/// by rows of the table of all prefixes.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) row[j] = j * kSlip;
  for (size_t i = 1; i <= a.size(); i++) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i * kSlip;
    for (size_t j = 1; j <= b.size(); j++) {
      row[j] = std::min(
          {above[j] + kSlip, row[j - 1] + kSlip, above[j - 1] + replacing(a[i - 1], b[j - 1])});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + kSlip);
    }
  }
  return row.back();
}

}  // namespace

Guess guess(std::string_view name, const std::vector<std::string>& candidates) {
  std::string_view best;
  size_t fewest = kSlip * std::max<size_t>(name.size() / 3, 1) + 1;
  bool alone = true;
  for (const std::string& candidate : candidates) {
    if (std::max(name.size(), candidate.size()) > kLongest) continue;
    const size_t slips = distance(name, candidate);
    if (slips >= kSlip * name.size()) continue;  // nothing of the name is left
    if (slips < fewest) {
      best = candidate;
      fewest = slips;
      alone = true;
    } else if (slips == fewest && candidate != best) {
      alone = false;
    }
  }
  const bool is_long = std::min(name.size(), best.size()) >= kShortestCertain;
  return {std::string(best), alone && is_long && fewest <= kSlip};
}

}  // namespace tenon::runtime
