// Floats from decimals and back, both ways to the nearest.
#pragma once
#include <string>

#include "runtime/scalar.h"

namespace tenon::runtime {

/// d.ddd * 10^exponent.
struct Decimal {
  std::string digits;  ///< the last is not 0, unless it is the only one
  int exponent = 0;
};

/// The magnitude of a finite float in as few digits as tell it from others of its type; of the
/// shortest the nearest.
Decimal shortest_decimal(Scalar value);

/// The number of `type`, a float type, that is nearest to what `text` says (`-1.5`, `2`, `1e-05`);
/// infinite where that is beyond the largest.
Scalar read_decimal(DType type, const std::string& text);

}  // namespace tenon::runtime
