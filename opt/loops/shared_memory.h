// What a kernel takes of the memory that a block shares, and where in it everything lies.
#pragma once
#include <map>
#include <optional>

#include "opt/loops/directive.h"

namespace tenon::opt::loops {

inline constexpr int64_t kSharedAligned = 64;  ///< bytes, of where in it arrays start
inline constexpr int64_t kPartBytes = 8;       ///< of a warp's part of a reduction, of any type

struct SharedMemory {
  std::map<LocalId, int64_t> arrays = {};    ///< where each starts, in bytes
  std::optional<int64_t> parts = {};         ///< where a block's warps leave their parts of a reduction
  int64_t bytes = 0;                         ///< the highest i64 where it would be more
  /// Whether the kernel declares none of it, and the launch says how much there is.
  bool is_dynamic() const;
};
SharedMemory shared_memory(const Kernel& kernel);

/// Of shared memory, that a block has at most: on the GPU that the mode names, or as those of its capability have it.
int64_t most_shared_bytes(const Mode& mode);

}  // namespace tenon::opt::loops
