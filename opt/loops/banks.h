// Shared memory has 32 banks of 4 bytes, and gives a warp one word of each at a time: lanes that want other
// words of one bank wait for each other.
#pragma once
#include "opt/loops/nest.h"

namespace tenon::opt::loops {

/// Lets the threads that read and write a shared array meet in few banks: by an axis that is longer than what
/// it holds, the one and the length that are best, of these the smallest; where threads read elements at some
/// distance, as a window does that goes by two columns, by laying those side by side; or, where only matrix units
/// read it, by exchanging pieces of its rows, which takes no room. Rows end at multiples of `step` elements.
void choose_layout(Kernel& kernel, LocalId array, int64_t step);

/// How the rows of a swizzled array lie: their pieces of 16 bytes, by number, exchanged with those whose number
/// differs in the bits of row / rows % pieces. So the pieces of one column lie in different banks.
struct Swizzle {
  int64_t elements;  ///< of a piece
  int64_t pieces;    ///< that are exchanged
  int64_t rows;      ///< that lie in all banks once
};
Swizzle swizzle_of(const ir::Type& type);
/// Whether rows have as many pieces as that takes.
bool can_swizzle(const ir::Type& type);

}  // namespace tenon::opt::loops
