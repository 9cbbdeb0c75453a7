// "did you mean …?"
#pragma once
#include <string>
#include <vector>

namespace tenon::runtime {

/// The candidate that is fewest edits away, if it is near enough to be what was meant; else empty.
std::string nearest(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace tenon::runtime
