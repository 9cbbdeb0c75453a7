// Arrays that a block declares and its threads fill, each its own part, as the tile of a product is: an
// axis for a loop over threads. No thread sees the part of another, so that each keeps its own in registers.
#pragma once
#include "opt/loops/nest.h"

namespace tenon::opt::loops {

/// Puts into shared memory what the threads of a block compute for each other of a definition (at.cpp).
void share_definitions(Kernel& kernel);

/// Throws Refused where threads change an array from outside that is neither shared nor so divided; and where the
/// blocks of a grid change one that is not divided, for none sees what another does.
void check_private(const Kernel& kernel);

/// The kernel as a thread sees it: without those axes. Its text has another meaning then, if read as loops.
Kernel privatized(const Kernel& kernel);

}  // namespace tenon::opt::loops
