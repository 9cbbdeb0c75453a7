// Which schedules a GPU goes by.
#pragma once
#include <algorithm>

#include "ir/ir.h"

namespace tenon::opt {

/// Whether a schedule says anything of a GPU's hardware. No other counts there: what it says is for another machine,
/// and the compiler chooses as if there were none.
inline bool is_for_gpu(const ir::Schedule& schedule) {
  return std::ranges::any_of(schedule, [](const ir::Directive& directive) {
    return row(directive.kind).target == ast::typed::DirectiveTarget::gpu;
  });
}

}  // namespace tenon::opt
