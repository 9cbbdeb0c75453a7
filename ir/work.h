// The work of a kernel: how many floating-point operations it does and how many bytes it has to move, which
// a profile divides by the time it took. Found from the nest, without running it, so that nothing is
// counted while a program runs.
#pragma once
#include <cstdint>

#include "ir/loops.h"

namespace tenon::ir::loops {

struct Work {
  /// Operations on floats, by the measure of flops_of() (ir/counts.h): as many as the interpreter of loop
  /// nests counts, where no branch depends on data. Of an `if` whose condition is not known the side with
  /// more counts; of bounds that depend on another loop, those in the middle of that loop.
  double flops = 0;
  /// What must come from memory or go there if caches keep everything else: each buffer once, or only as many
  /// of its elements as are accessed at most.
  double bytes = 0;
};

Work work_of(const Kernel& kernel);

}  // namespace tenon::ir::loops
