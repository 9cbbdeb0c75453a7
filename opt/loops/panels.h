// How the operands of products lie best: for whoever can have them so before the product is computed.
#pragma once
#include <functional>
#include <optional>

#include "ir/loops.h"
#include "opt/loops/machine.h"

namespace tenon::opt::loops {

/// An operand in panels: beside each other what a tile of the product reads at once (opt/tensor/prepack.cpp).
struct Panels {
  ir::ValueId operand;
  ir::loops::LoopId lanes;  ///< the loop that goes along them
  int64_t turns, width;     ///< of that loop, and of a panel: of one that has them all, whole vectors
};
/// How a nest, that of a compute, will read an operand that `is_constant`. Nothing if it is no product, or
/// reads it in another way.
std::optional<Panels> wanted_panels(const ir::loops::Kernel& kernel, const Machine& machine,
                                    const std::function<bool(ir::ValueId)>& is_constant);

}  // namespace tenon::opt::loops
