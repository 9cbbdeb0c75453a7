// How many blocks and threads a kernel is launched with. Loops over them that stand in each other are one
// axis, the innermost fastest: so loops beside each other may cut the same threads up in different ways.
#pragma once
#include <span>

#include "ir/loops.h"

namespace tenon::ir::loops {

inline constexpr int64_t kWarp = 32;
inline constexpr int64_t kMostThreads = 1024;       ///< of a block, on every GPU
inline constexpr int64_t kMostBlocks = INT32_MAX;  ///< of a launch, likewise

/// A kernel without thread loops has one thread; others whole warps.
struct Launch {
  int64_t blocks = 1, threads = 1;
};
Launch launch_of(const Kernel& kernel);

/// The turns of a loop over blocks or threads, together with those of its kind inside it.
int64_t turns_with_inner(const For& loop);

/// Whether the threads of a loop inside others over threads (`around`, outermost first, among any) can put parts
/// together: they are a part of a warp, a power of two of its lanes, wherever the loops around begin.
bool are_lanes_of_warp(const For& loop, std::span<const For* const> around);

}  // namespace tenon::ir::loops
