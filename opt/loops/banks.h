// Shared memory has 32 banks of 4 bytes, and gives a warp one word of each at a time: lanes that want other
// words of one bank wait for each other.
#pragma once
#include "opt/loops/nest.h"

namespace tenon::opt::loops {

/// Makes an axis of a shared array longer than what it holds, where that lets the threads that read and write
/// it meet in fewer banks: the axis and the length that are best, of these the smallest. Rows end at multiples
/// of `step` elements.
void choose_pitches(Kernel& kernel, LocalId array, int64_t step);

}  // namespace tenon::opt::loops
