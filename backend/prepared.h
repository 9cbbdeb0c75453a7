// How what a function prepares for another lies in the caller's memory (ir/prepared.h).
#pragma once
#include <cstdint>
#include <vector>

#include "ir/ir.h"

namespace tenon::backend {

struct PreparedLayout {
  std::vector<int64_t> offsets;  ///< of each value
  int64_t bytes = 0;
  int64_t whose = 0;  ///< tells it from what is prepared for other functions; stands in front
};
/// Of the prepared parameters of a function.
PreparedLayout prepared_layout(const ir::Module& module, const ir::Function& function);

}  // namespace tenon::backend
