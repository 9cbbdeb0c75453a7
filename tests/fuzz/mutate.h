// Damage to files that have a header of text: one change, drawn from those that such readers are
// likely to get wrong.
#pragma once
#include <random>
#include <string>

#include "tests/fuzz/target.h"

namespace tenon::fuzz {

inline constexpr size_t kMaxInput = 4096;  ///< bytes

using Random = std::mt19937_64;

/// Changes a digit, a number, a bracket, a byte, a stretch, or the header's length. Where a change
/// moves the header's end its length mostly follows, or nothing behind it would ever be reached.
void mutate(std::string& file, Random& random);

}  // namespace tenon::fuzz
