// SSA's own rule: on every path from the entry to a use lies the definition of the value.
#pragma once
#include <vector>

#include "ir/ir.h"

namespace tenon::ir {

/// A use that some path reaches without passing a definition.
struct UndefinedUse {
  BlockId block;
  size_t inst;  ///< its number in the block
  ValueId value;
  bool has_definition;  ///< false: there is none at all
};

/// In the order of blocks and instructions. Every id must be one of the function's, and no value be
/// defined twice.
std::vector<UndefinedUse> undefined_uses(const Function& function);

}  // namespace tenon::ir
