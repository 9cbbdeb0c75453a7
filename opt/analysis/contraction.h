// Contractions: sums of products of two operands, `sum[k](%a[i, k] * %b[k, j])`. Matrix products,
// convolutions, attention and einsums are all of them, and all that matters of one is which indices
// its operands read (Solomonik and Demmel, "Matrix multiplication on multidimensional torus
// networks", 2012, fold any contraction to a product of matrices so).
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "ir/ir.h"

namespace tenon::opt {

struct Contraction {
  ir::ExprId sum;          ///< the reduction
  ir::ExprId left, right;  ///< its factors: any expressions that read tensors
  /// Levels of the indices around the sum, by who reads them; the sum's own stand in `summed`.
  std::vector<uint32_t> left_only, right_only, both, summed;

  /// Whether each operand is read again for every index of the other: what blocking is for. In a
  /// product of a matrix with a vector it is not, nor in a dot product.
  bool has_reuse() const { return !left_only.empty() && !right_only.empty(); }
};

/// Of a reduction, if it is a contraction.
std::optional<Contraction> contraction_of(const ir::Exprs& exprs, ir::ExprId reduce);

/// All in a compute's bodies, inner ones first.
std::vector<Contraction> contractions_in(const ir::Exprs& exprs,
                                         std::span<const ir::ExprId> bodies);
/// Whether there is any reduction.
bool has_reduction(const ir::Exprs& exprs, std::span<const ir::ExprId> bodies);
/// Whether there is a contraction whose operands are both read again, so that blocks pay.
bool has_reuse(const ir::Exprs& exprs, std::span<const ir::ExprId> bodies);

}  // namespace tenon::opt
