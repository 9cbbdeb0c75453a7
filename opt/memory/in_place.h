// In place: whether a kernel may write an output where one of its inputs lies that nobody needs
// afterwards.
//
//   %y = compute [i: 64, j: 128] { max(%x[i, j], 0.0) }
//
// [snippet in_place]
// A kernel writes every element of an output once (opt/loops/directive.h). So all it takes is that each
// read of the input is of the very element that is stored further down in the same turn of the loops: then no
// element is read after it was overwritten. Whether that is so is looked up in the nest as its schedule has
// left it, not in the index expression.
// [end]
#pragma once
#include "ir/loops_walk.h"

namespace tenon::opt::memory {

bool may_share(const ir::loops::Kernel& kernel, ir::loops::BufferId input,
               ir::loops::BufferId output);

}  // namespace tenon::opt::memory
