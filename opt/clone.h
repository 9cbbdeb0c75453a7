// Copies of blocks, for passes that write code out more than once.
#pragma once
#include <span>
#include <unordered_map>

#include "ir/ir.h"

namespace tenon::opt {

/// What stands in a copy for what stands in the original.
struct Copies {
  std::unordered_map<ir::BlockId, ir::BlockId> blocks;
  std::unordered_map<ir::ValueId, ir::ValueId> values;

  ir::BlockId of(ir::BlockId block) const;  ///< itself if it was not copied
  ir::ValueId of(ir::ValueId value) const;
};

/// Copies blocks of a function into it. Edges between them lead to copies; others, and values from
/// elsewhere, are as in the original.
Copies clone_blocks(ir::Function& function, std::span<const ir::BlockId> blocks);

}  // namespace tenon::opt
