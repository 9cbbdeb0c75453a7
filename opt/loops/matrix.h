// Small products as the matrix units of a GPU take them: three loops over rows, columns and the summed index
// around one step, whose elements the lanes of a warp have between them.
//
//     mma for i in 0..16 { mma for j in 0..16 { mma for k in 0..16 {
//       c[…, i, j] = c[…, i, j] + f32(a[…, i, k]) * f32(b[…, k, j])
//     } } }
#pragma once
#include "opt/loops/nest.h"

namespace tenon::opt::loops {

inline constexpr int64_t kMatrixRows = 16, kMatrixColumns = 16;  ///< two of the unit's 8 columns
/// Elements of such a tile that each lane has.
inline constexpr int64_t kFragment = kMatrixRows * kMatrixColumns / 32;
/// Of these, those beside each other in a row where lanes have exchanged some (fragments.cpp).
inline constexpr int64_t kStrip = 4;

struct MatrixProduct {
  LoopId rows, columns, summed;
  const SetLocal* step;
  ExprPtr left, right;     ///< elements as they lie in memory
  runtime::DType element;  ///< their type
};
/// What the three loops of which this is the outermost do, if they do that.
std::optional<MatrixProduct> matrix_product(const For& outermost);

/// A row of mma.def.
struct MatrixUnit {
  runtime::DType element;
  int capability;
  int64_t summed;
  std::string_view operands;
};
/// The unit for such elements that a GPU of that capability has; null if it has none.
const MatrixUnit* matrix_unit(runtime::DType element, int capability);
/// Products in a sum that one turn of the loops takes: those of one or two instructions.
int64_t matrix_summed(runtime::DType element);

/// The kernel as a lane sees it: loops over the elements of a tile, where nothing is summed, are those over
/// the elements that a lane has; and of the tile itself it keeps these. A tile that is copied into another one is
/// handed over in strips.
Kernel fragmented(const Kernel& kernel);

}  // namespace tenon::opt::loops
