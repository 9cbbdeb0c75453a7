// Packing: where pieces of memory lie in one block, so that no two that are needed at one moment overlap
// and the block is small.
//
// To find the smallest block is NP-hard ("dynamic storage allocation", Garey and Johnson, SR2). It cannot
// be smaller than the largest sum of sizes at one moment, and need not be more than three times that
// (Gergov, "Algorithms for compile-time memory optimization", SODA 1999). In practice first fit comes close,
// if large pieces come first (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net
// Inference", 2020).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace tenon::opt::memory {

/// Moments from `first` up to and without `end`.
struct Stretch {
  int64_t first, end;
  bool operator==(const Stretch&) const = default;
};
using Stretches = std::vector<Stretch>;  ///< ascending; none touches the next

/// Both together.
Stretches united(const Stretches& a, const Stretches& b);
/// What they have in common.
Stretches common(const Stretches& a, const Stretches& b);

/// `bytes` bytes, at least one, and when they are needed.
struct Piece {
  int64_t bytes;
  Stretches needed;
};

/// The largest sum of sizes at one moment: no block is smaller.
int64_t most_live(std::span<const Piece> pieces);

inline constexpr int64_t kAlignment = 64;  ///< of every piece, as tn_alloc() has it
inline constexpr int64_t aligned(int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

struct Packing {
  std::vector<int64_t> offsets;  ///< by piece
  int64_t bytes = 0;             ///< of the block
};

/// The sum of all sizes, with alignment, must fit i64.
Packing pack(std::span<const Piece> pieces);

}  // namespace tenon::opt::memory
