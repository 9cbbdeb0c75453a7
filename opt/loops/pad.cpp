// pad w by 4: the rows of the copies that `pack` has made of %w get four elements more, which nobody uses.
// Rows whose length is a power of two begin in the same few sets of a cache, and push each other out;
// padded they do not. (Rivera and Tseng, "Data transformations for eliminating conflict misses", PLDI
// 1998.)
//
//     local b: f32[64, 128]          local b: f32[64, 132]
#include <fmt/format.h>

#include "opt/loops/nest.h"

namespace tenon::opt::loops {

void pad(Kernel& kernel, const Directive& directive, Mode) {
  constexpr int64_t kMostElements = int64_t{1} << 28;
  const BufferId buffer = find_input(kernel, directive.operand);
  std::set<LocalId> copies;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    if (set == nullptr || set->value == nullptr || set->subscripts.empty()) return;
    const auto* read = std::get_if<Read>(&set->value->node);
    if (read != nullptr && read->buffer == buffer) copies.insert(set->local);
  });
  if (copies.empty())
    throw Refused{fmt::format("there is no copy of {}; `pack` comes before", quoted(directive.operand))};
  for (const LocalId copy : copies) {
    int64_t& row = kernel.locals[copy].shape.back();
    int64_t elements = row + std::min(directive.factor, kMostElements);
    for (size_t axis = 0; axis + 1 < kernel.locals[copy].shape.size(); ++axis)
      if (__builtin_mul_overflow(elements, kernel.locals[copy].shape[axis], &elements)) elements = INT64_MAX;
    if (elements > kMostElements) throw Refused{"the copy would be too large"};
    row += directive.factor;
  }
}

}  // namespace tenon::opt::loops
