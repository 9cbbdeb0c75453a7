// How a consumer reads the tensor that a producer computes.
#pragma once
#include <optional>
#include <unordered_map>

#include "ir/ir.h"

namespace tenon::opt {

/// Whether every element of the tensor is read once, always, and in row-major order: at the consumer's
/// own indices, or at those and the ones of a reduction over all that is left.
bool takes_all_in_order(const ir::Exprs& exprs, ir::ValueId tensor, const ir::Shape& shape,
                        const ir::Compute& consumer);

/// Whether the tensor is read, outside reductions, at just the consumer's own indices.
bool reads_own_point(const ir::Exprs& exprs, ir::ValueId tensor, const ir::Compute& consumer);

/// Whether the loops of a producer with reductions would stay what they are: one read, outside
/// reductions, at subscripts that are sums of multiples of indices.
bool keeps_loops(const ir::Exprs& exprs, ir::ValueId tensor, const ir::Compute& consumer);

/// A compute; or an element at constant subscripts, as the compute of one read.
std::optional<ir::Compute> as_compute(const ir::Module& module, ir::Function& function,
                                      const std::unordered_map<ir::ValueId, ir::Scalar>& constants,
                                      const ir::Inst& inst);

}  // namespace tenon::opt
