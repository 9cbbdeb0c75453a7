// A product among the nests: a sum of products of two operands.
#pragma once
#include <optional>

#include "opt/loops/choose.h"

namespace tenon::opt::loops {

struct Product {
  LoopId lanes;                  ///< the loop whose turns go into the lanes of vectors
  LoopId rows;                   ///< the other loop of the tile
  std::vector<LoopId> outside, summed;
  int64_t lane_turns, row_turns;
  int64_t element_bytes;
  BufferId right = 0;            ///< read along the lanes
  bool right_is_buffer = false;  ///< and nothing else is
  int64_t right_stride = 0;      ///< of the lanes' loop
  bool right_guarded = false;    ///< reads of it may be out of range
  int64_t row_bytes = 0;         ///< what lies between turns of the innermost summed loop
  std::optional<BufferId> left;  ///< the other operand, where it is no more than a tensor's element
  double work = 1;               ///< multiply-adds
};

/// What a nest multiplies, if that is what it does, and all it does.
std::optional<Product> find_product(const Kernel& kernel);

}  // namespace tenon::opt::loops
