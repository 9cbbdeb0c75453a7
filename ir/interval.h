// Intervals of integers, and what the operations make of them (Moore, "Interval Analysis", 1966).
#pragma once
#include <cstdint>
#include <span>

#include "runtime/scalar.h"

namespace tenon::ir {

/// [lo, hi], both included; empty if lo > hi. Unbounded ends are the lowest and highest i64.
struct Range {
  int64_t lo, hi;

  bool is_empty() const { return lo > hi; }
  bool contains(int64_t value) const { return lo <= value && value <= hi; }
  /// Equal as sets, but for empty ones.
  bool operator==(const Range&) const = default;
};

/// The least interval around both.
Range hull(Range a, Range b);
Range intersection(Range a, Range b);

/// The values that a type has; those of bool are 0 and 1. Of floats nothing is known.
Range range_of_type(runtime::DType type);

/// What `op` gives on operands of a type that lie in `operands`; none of these is empty. Whatever may
/// wrap around is all that the type has. What fails gives nothing, so a divisor is not 0.
Range range_of_apply(runtime::ScalarOp op, runtime::DType type, std::span<const Range> operands);

/// An integer or bool from `range`, converted from one type to another.
Range range_of_convert(runtime::DType to, runtime::DType from, Range range);

}  // namespace tenon::ir
