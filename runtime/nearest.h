// "did you mean …?"
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tenon::runtime {

/// What may have been meant by a name that is not known.
struct Guess {
  std::string name;      ///< empty: none is near enough
  bool certain = false;  ///< it is the only one that a single slip leads away from
};

/// The candidate that is fewest slips away.
Guess guess(std::string_view name, const std::vector<std::string>& candidates);

/// Its name alone.
inline std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  return guess(name, candidates).name;
}

}  // namespace tenon::runtime
