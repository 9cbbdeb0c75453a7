// What a scalar operation comes to where something is known of its operands. Only what is exact: the
// same bits for every value, NaN, -0.0 and wrapping included.
#pragma once
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "runtime/scalar.h"

namespace tenon::opt {

struct KnownOperand {
  std::optional<runtime::Scalar> constant;
  uint32_t identity;  ///< equal for operands that are one value
};

/// Another operation on some of the operands, by their numbers.
struct SimplerApply {
  runtime::ScalarOp op;
  std::vector<size_t> operands;
};
/// A constant, one of the operands by its number, or a simpler operation.
using Simplified = std::variant<runtime::Scalar, size_t, SimplerApply>;

/// Nothing if `op` on operands of type `type` (of select: the second and third) stays as it is.
std::optional<Simplified> simplify(runtime::ScalarOp op, runtime::DType type,
                                   std::span<const KnownOperand> operands);

}  // namespace tenon::opt
