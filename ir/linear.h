// Sums of multiples of expressions, over the unbounded integers: 8 * i + k - 1. What wraps around
// is never one of these.
#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "ir/ids.h"

namespace tenon::ir {

__extension__ using Wide = __int128;  ///< holds any product of two i64

struct Linear {
  std::vector<std::pair<ExprId, int64_t>> terms;  ///< by ascending id; no factor is 0
  int64_t constant = 0;

  bool operator==(const Linear&) const = default;
};

/// a + factor * b; nothing where a number leaves i64.
std::optional<Linear> add(const Linear& a, int64_t factor, const Linear& b);

}  // namespace tenon::ir
