// How an operand is copied: by lanes, and in an order that the caches like.
#include <algorithm>
#include <numeric>

#include "opt/loops/access.h"
#include "opt/loops/choose.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;

constexpr int64_t kMostUnrolled = 8;  ///< vectors, all unrolled loops together
constexpr int64_t kSharedElements = 1 << 16;  ///< are worth waking a thread for
constexpr int64_t kFewestShared = 8;  ///< turns: of fewer one thread gets more than another
constexpr int64_t kLineBytes = 64;    ///< of the caches

/// Of all occurrences of the loop; some are tails.
int64_t most_turns(const Kernel& kernel, LoopId loop) {
  int64_t most = 0;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* found = std::get_if<For>(&stmt.node);
    if (found != nullptr && found->loop == loop) most = std::max(most, turns_of(*found).value_or(0));
  });
  return most;
}

/// The loop of a copy, one from `first` on, along which it reads neighbours.
std::optional<LoopId> goes_along(const Kernel& copied, BufferId buffer, size_t first) {
  std::optional<LoopId> along;
  for_each_read(copied.body, buffer, [&](const Read& read, const std::vector<const For*>&) {
    const auto strides = strides_of(copied.buffers[buffer].type.shape, read.subscripts);
    if (!strides) return;
    for (const auto& [loop, stride] : *strides)
      if (loop >= first && stride == 1) along = loop;
  });
  return along;
}

/// Read by vectors along that loop, and turned in registers (backend/loop_stores.cpp): a square of lanes after
/// the other.
void add_turned(ir::Schedule& schedule, const Kernel& copied, const Copy& copy, std::vector<std::string> loops,
                size_t along) {
  FreshNames names(copied);
  const std::string ro = names.fresh(loops[along] + "o"), ri = names.fresh(loops[along] + "i"),
                    so = names.fresh(loops.back() + "o"), si = names.fresh(loops.back() + "i");
  schedule.push_back({DirectiveKind::split_, {loops[along]}, {ro, ri}, copy.lanes});
  schedule.push_back({DirectiveKind::split_, {loops.back()}, {so, si}, copy.lanes});
  Directive order{DirectiveKind::order_, {so}};
  for (size_t axis = 0; axis + 1 < loops.size(); ++axis) order.loops.push_back(axis == along ? ro : loops[axis]);
  order.loops.insert(order.loops.end(), {si, ri});
  schedule.push_back(std::move(order));
  schedule.push_back({DirectiveKind::vectorize_, {ri}});
  schedule.push_back({DirectiveKind::unroll_, {si}});
}

}  // namespace

void add_copy(ir::Schedule& schedule, const Kernel& kernel, const Copy& copy) {
  Kernel copied = kernel;
  apply_schedule(copied, schedule, {});
  const size_t first = copied.loops.size();
  const Directive pack{DirectiveKind::pack_, {copy.at}, {}, 0, kernel.buffers[copy.buffer].name};
  apply_directive(copied, pack, {});
  schedule.push_back(pack);
  std::vector<std::string> loops(copied.loops.begin() + static_cast<std::ptrdiff_t>(first), copied.loops.end());
  const std::optional<LoopId> along = goes_along(copied, copy.buffer, first);
  if (along && *along + 1 < copied.loops.size() && most_turns(copied, *along) >= copy.lanes)
    return add_turned(schedule, copied, copy, loops, *along - first);
  schedule.push_back({DirectiveKind::vectorize_, {loops.back()}, {}, copy.lanes});
  // Elements of as many cache lines as there are lanes: it is those of the same lines that are next.
  if (copy.apart_bytes >= kLineBytes && loops.size() > 1) {
    Directive order{DirectiveKind::order_, loops};
    std::ranges::rotate(order.loops, order.loops.end() - 1);
    schedule.push_back(std::move(order));
  }
  const ir::Shape& shape = kernel.buffers[copy.buffer].type.shape;
  const int64_t elements = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  if (copy.shared && elements >= kSharedElements)
    for (size_t axis = 0; axis + 1 < loops.size(); ++axis) {
      if (most_turns(copied, static_cast<LoopId>(first + axis)) < kFewestShared) continue;
      schedule.push_back({DirectiveKind::parallel_, {loops[axis]}});
      break;
    }
  if (!copy.guarded) return;
  // Unrolled, the question which lanes lie in the margin is asked before the loops over rows, and once.
  int64_t turns = (most_turns(copied, static_cast<LoopId>(first + loops.size() - 1)) + copy.lanes - 1) / copy.lanes;
  for (size_t axis = loops.size(); axis-- > 0 && turns <= kMostUnrolled;) {
    schedule.push_back({DirectiveKind::unroll_, {loops[axis]}});
    if (axis > 0) turns *= most_turns(copied, static_cast<LoopId>(first + axis - 1));
  }
}

}  // namespace tenon::opt::loops
