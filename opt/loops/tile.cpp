// What a product costs with a tile: the model by which schedules are chosen. It counts multiply-adds of whole
// vectors, the ones that do nothing too: lanes past the end of a row, waits for the one before, loads that do
// not keep up. `bench/cpu/rankings.py` measures tiles, and a test compares what the model says of them.
#include "opt/loops/product.h"

#include <algorithm>
#include <ranges>
#include <vector>

namespace tenon::opt::loops {
namespace {

/// Chains of this many multiply-adds hide the latency of one: 4 cycles, two units.
constexpr int64_t kLatency = 8;
/// What is left over and fills but half of a vector goes into a shorter one, which some processors do faster.
constexpr double kNarrow = 0.95;
/// Rows further apart than this take a page of memory each.
constexpr int64_t kPageBytes = 4096;
/// A panel is copied if so many tiles read it.
constexpr int64_t kTilesPerCopy = 4;
/// What moving an element by itself costs, in multiply-adds of a vector; one on a page of its own; and one of a
/// result whose vectors are turned.
constexpr double kElement = 1, kFarElement = 1.3, kTurned = 0.3;
/// Likewise a vector of an image with its margin; and one whose elements are picked from those of several.
constexpr double kVector = 8, kPickedVector = 25;
/// Where all takes fewer multiply-adds than this, and not from far away, tiles that cost the same, to such a share, are
/// told apart by what they leave over: each edge is a tile more to compile, which takes longer than all of them run.
constexpr double kShort = 4e6, kAlike = 1.002;

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

/// How many different tiles are written, those of the edges included.
int bodies(const Product& product, Tile tile, int64_t lanes) {
  const auto sizes = [](int64_t turns, int64_t width) { return turns > width && turns % width != 0 ? 2 : 1; };
  return sizes(product.row_turns, tile.rows) * sizes(product.lane_turns, tile.vectors * lanes);
}

double steps(const Product& product) {
  return product.work / static_cast<double>(product.lane_turns * product.row_turns);
}

}  // namespace

// [snippet tile]
Tile choose_tile(const Product& product, const Machine& machine, int64_t lanes) {
  std::vector<Tile> tiles;
  for (int64_t vectors = 4; vectors >= 1; --vectors) {
    if (product.panel > 0 && product.panel != vectors * lanes) continue;
    const int64_t most = (machine.vector_registers - 1 - vectors) / vectors;
    const int64_t all_rows = std::min(most, product.row_turns);
    for (int64_t rows = all_rows; rows >= 1 && 2 * rows >= all_rows; --rows) tiles.push_back({rows, vectors});
  }
  if (tiles.empty()) return {1, 1};
  const auto price = [&](Tile tile) { return cost(product, tile, lanes); };
  const double least = std::ranges::min(tiles | std::views::transform(price));
  const double right_bytes = product.right_elements * static_cast<double>(product.element_bytes);
  const bool is_short = steps(product) * least < kShort && right_bytes <= 2 * static_cast<double>(machine.l2_bytes);
  const double alike = is_short ? kAlike * least : least;
  std::erase_if(tiles, [&](Tile tile) { return price(tile) > alike; });
  return std::ranges::min(tiles, {}, [&](Tile tile) { return std::pair(bodies(product, tile, lanes), price(tile)); });
}
// [end]

bool copies_right(const Product& product, Tile tile, int64_t lanes) {
  const bool is_packed = product.panel == tile.vectors * lanes;
  if (!product.right_is_buffer || is_packed) return false;
  if (product.right_stride != 1 || product.right_guarded) return true;
  return product.row_bytes >= kPageBytes && product.row_turns >= kTilesPerCopy * tile.rows;
}

/// Of the copies of the right operand: one by one where its elements lie apart, else by vectors.
static double copy_price(const Product& product, Tile tile, int64_t lanes) {
  if (product.lanes_apart) {
    const bool by_page = product.right_stride * product.element_bytes >= kPageBytes;
    const bool as_it_is = product.right_stride == 1 || product.right_is_packed;
    return as_it_is ? 0 : product.right_elements * (by_page ? kFarElement : kElement);
  }
  if (!product.right_guarded || !copies_right(product, tile, lanes)) return 0;
  const int64_t width = tile.vectors * lanes;
  const double panels = static_cast<double>((product.lane_turns + width - 1) / width) * product.outside_turns;
  const double elements =
      product.copied.rows * (product.copied.margin + static_cast<double>(product.copied.step * width));
  const double vector = product.copied.step == 1 ? kVector : kPickedVector;
  return panels * elements / static_cast<double>(lanes) * vector;
}

double price(const Product& product, Tile tile, int64_t lanes) {
  double all = steps(product) * cost(product, tile, lanes) + copy_price(product, tile, lanes);
  if (!product.lanes_apart) return all;
  if (product.left_guarded) all += product.left_elements / static_cast<double>(lanes) * kVector;
  return all + product.result_elements * kTurned;
}

}  // namespace tenon::opt::loops
