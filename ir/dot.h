// Pictures of functions, in Graphviz's language.
#pragma once
#include <string>

#include "ir/ir.h"

namespace tenon::ir {

enum class Picture {
  control_flow,  ///< blocks with their instructions, and where each goes on
  dominators,    ///< the dominator tree: a block's parent is the closest one on every path to it
  data_flow,     ///< from each value to its uses; what an edge passes is dashed
};

/// One digraph, a box around each function; or of `only` alone, if that is one. The same for the
/// same module: nodes are numbered as the text form counts blocks and instructions.
std::string dot(const Module& module, Picture picture, FuncId only = {});

}  // namespace tenon::ir
