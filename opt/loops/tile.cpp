// What a product costs with a tile: the model by which schedules are chosen. It counts multiply-adds of whole
// vectors, the ones that do nothing too: lanes past the end of a row, waits for the one before, loads that do
// not keep up. `bench/cpu/rankings.py` measures tiles, and a test compares what the model says of them.
#include "opt/loops/product.h"

#include <algorithm>

namespace tenon::opt::loops {
namespace {

/// Chains of this many multiply-adds hide the latency of one: 4 cycles, two units.
constexpr int64_t kLatency = 8;
/// What is left over and fills but half of a vector goes into a shorter one, which some processors do faster.
constexpr double kNarrow = 0.95;
/// Rows further apart than this take a page of memory each.
constexpr int64_t kPageBytes = 4096;
/// What moving an element by itself costs, in multiply-adds of a vector; and one on a page of its own.
constexpr double kElement = 1, kFarElement = 1.3;

/// Multiply-adds that a step of a tile takes, those while waiting for the one before included, and what
/// loads go with them: broadcasts and vectors, which may take two lines of the cache; two a cycle at best.
double step_cost(int64_t rows, int64_t vectors, bool aligned) {
  if (rows == 0 || vectors == 0) return 0;
  const double loads =
      static_cast<double>(rows + (aligned ? 1 : 2) * vectors) / static_cast<double>(2 * rows * vectors);
  return static_cast<double>(std::max(rows * vectors, kLatency)) * std::max(1.0, loads) * (1 + 0.02 * loads);
}

/// Of a step of all tiles, those in idle lanes included.
double cost(const Product& product, Tile tile, int64_t lanes) {
  const int64_t width = tile.vectors * lanes;
  const auto column_of_tiles = [&](int64_t vectors) {
    const bool aligned = product.lanes_apart || product.right_is_packed;
    return static_cast<double>(product.row_turns / tile.rows) * step_cost(tile.rows, vectors, aligned) +
           step_cost(product.row_turns % tile.rows, vectors, aligned);
  };
  const int64_t rest = product.lane_turns % width, tail = (rest + lanes - 1) / lanes;
  const double narrow = rest * 2 <= lanes ? kNarrow : 1;
  return static_cast<double>(product.lane_turns / width) * column_of_tiles(tile.vectors) +
         narrow * column_of_tiles(tail);
}

}  // namespace

// [snippet tile]
Tile choose_tile(const Product& product, const Machine& machine, int64_t lanes) {
  Tile best{1, 1};
  double least = 0;
  for (int64_t vectors = 1; vectors <= 4; ++vectors) {
    if (product.panel > 0 && product.panel != vectors * lanes) continue;
    const int64_t most = (machine.vector_registers - 1 - vectors) / vectors;
    for (int64_t rows = std::min(most, product.row_turns); rows >= 1 && rows + 8 > most; --rows) {
      const double price = cost(product, {rows, vectors}, lanes);
      if (least == 0 || price < least) least = price, best = {rows, vectors};
    }
  }
  return best;
}
// [end]

double price(const Product& product, Tile tile, int64_t lanes) {
  const double tiles = product.work / static_cast<double>(product.lane_turns * product.row_turns);
  const double all = tiles * cost(product, tile, lanes);
  if (!product.lanes_apart) return all;
  const bool by_page = product.right_stride * product.element_bytes >= kPageBytes;
  const double copied = product.right_stride == 1 || product.right_is_packed ? 0 : product.right_elements;
  return all + copied * (by_page ? kFarElement : kElement) + product.result_elements * kElement;
}

}  // namespace tenon::opt::loops
