// A product among the nests: a sum of products of two operands.
#pragma once
#include <optional>

#include "opt/loops/choose.h"

namespace tenon::opt::loops {

/// What a copy of the right operand has for one panel: `rows` rows, each of `margin` elements and a step for
/// each lane.
struct CopiedPanel {
  double rows = 1, margin = 0;
  int64_t step = 1;
};

struct Product {
  LoopId lanes;                  ///< the loop whose turns go into the lanes of vectors
  LoopId rows;                   ///< the other loop of the tile
  bool lanes_apart = false;      ///< along the lanes the result's elements do not lie side by side
  std::vector<LoopId> outside, summed;
  std::vector<LoopId> right_outside;  ///< those of `outside` that the right operand depends on
  int64_t lane_turns, row_turns;
  int64_t element_bytes;
  BufferId right = 0;            ///< read along the lanes
  bool right_is_buffer = false;  ///< and nothing else is
  int64_t right_stride = 0;      ///< of the lanes' loop; within a panel, if it is packed
  bool right_is_packed = false;  ///< it lies in panels, or is to be brought into them beforehand
  int64_t panel = 0;             ///< turns of the lanes' loop that each has; 0: as many as the tile
  bool right_guarded = false;    ///< reads of it may be out of range
  CopiedPanel copied = {};
  int64_t row_bytes = 0;         ///< what lies between turns of the innermost summed loop
  std::optional<BufferId> left;  ///< the other operand, where it is no more than a tensor's element
  bool left_guarded = false;
  double work = 1;               ///< multiply-adds
  double outside_turns = 1;      ///< of all loops `outside`
  double summed_turns = 1;       ///< of all loops `summed`
  double right_elements = 1;     ///< the turns of all loops that the right operand depends on
  double left_elements = 1;      ///< of the tensor that the left operand is read from
  double result_elements = 1;
};

/// What a nest multiplies, if that is what it does, and all it does: first with the lanes along which the
/// result is contiguous, then with other loops in the lanes. Empty if it is no product, or not in the first way.
std::vector<Product> find_products(const Kernel& kernel);
/// In the first way.
std::optional<Product> find_product(const Kernel& kernel);

/// A part of the result that stays in registers while the summed indices run.
struct Tile {
  int64_t rows, vectors;
};
/// The cheapest whose accumulators, one row of vectors and a broadcast fit the registers; of panels, one of
/// their width.
Tile choose_tile(const Product& product, const Machine& machine, int64_t lanes);
/// Whether what the vectors of a panel are loaded from is brought together first.
bool copies_right(const Product& product, Tile tile, int64_t lanes);
/// Multiply-adds of vectors that the whole product takes, and what moving elements is worth in them.
double price(const Product& product, Tile tile, int64_t lanes);

/// The schedule of one with several summed indices on a GPU; empty if it is none.
ir::Schedule choose_windows(const Kernel& kernel);
/// Likewise of one that matrix units may take.
ir::Schedule choose_matrix(const Kernel& kernel, Mode mode);
/// Appends `pipeline` to the schedule of a product on a GPU, for the loop at which all its operands are copied: with so
/// many stages, or as many as shared memory has room for, where the loop has turns for them.
void add_pipeline(ir::Schedule& schedule, const Kernel& kernel, Mode mode, int64_t most_stages);

}  // namespace tenon::opt::loops
