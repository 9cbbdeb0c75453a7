// Which loops over rows keep what they work out for others (keep.cpp): all that may, as long as a row stays in a cache.
#include <algorithm>

#include "opt/loops/choose.h"
#include "opt/loops/nest.h"

namespace tenon::opt::loops {

/// Of the second-level cache, for each element of a row that is kept.
constexpr int64_t kKeptBytes = 16;
constexpr size_t kNearest = 4;  ///< loops before one are looked at

ir::Schedule keep_rows(Kernel& kernel, const Machine& machine, Mode mode) {
  std::vector<std::pair<LoopId, LoopId>> pairs;
  const std::function<void(const Block&)> look = [&](const Block& block) {
    std::vector<const For*> rows;
    for (const Stmt& stmt : block) {
      for_each_block(stmt, look);
      const auto* loop = std::get_if<For>(&stmt.node);
      if (loop == nullptr || turns_of(*loop).value_or(INT64_MAX) > machine.l2_bytes / kKeptBytes) continue;
      for (size_t at = rows.size() - std::min(rows.size(), kNearest); at < rows.size(); ++at)
        if (turns_of(*rows[at]) == turns_of(*loop)) pairs.emplace_back(rows[at]->loop, loop->loop);
      rows.push_back(loop);
    }
  };
  look(kernel.body);
  ir::Schedule schedule;
  for (const auto& [first, second] : pairs) {
    const Directive keep{ir::DirectiveKind::keep_, {kernel.loops[first], kernel.loops[second]}};
    Kernel kept = kernel;
    try {
      apply_directive(kept, keep, mode);
    } catch (const Refused&) {
      continue;
    }
    kernel = std::move(kept);
    schedule.push_back(keep);
  }
  return schedule;
}

}  // namespace tenon::opt::loops
