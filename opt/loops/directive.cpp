#include "opt/loops/directive.h"

#include <fmt/format.h>

#include <algorithm>

#include "opt/loops/private.h"
#include "opt/loops/shared.h"

namespace tenon::opt::loops {

int capability_of(std::string_view gpu) {
  if (!gpu.starts_with("sm_")) return Mode{}.capability;
  int capability = 0;
  for (const char c : gpu.substr(3))
    if (c >= '0' && c <= '9') capability = 10 * capability + (c - '0');
  return capability;
}

namespace {

/// Where a loop awaits copies, its statements have their places.
void refuse_moved_copies(const Kernel& kernel, ir::DirectiveKind kind) {
  using ir::DirectiveKind;
  constexpr DirectiveKind kMove[] = {DirectiveKind::order_, DirectiveKind::rfactor_, DirectiveKind::vectorize_,
                                     DirectiveKind::block_, DirectiveKind::thread_,  DirectiveKind::mma_};
  if (std::ranges::count(kMove, kind) == 0) return;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    if (std::holds_alternative<Await>(stmt.node))
      throw Refused{fmt::format("copies run ahead already; `{}` comes before `pipeline`", row(kind).name)};
  });
}

}  // namespace

void apply_directive(Kernel& kernel, const Directive& directive, Mode mode) {
  using ir::DirectiveKind;
  refuse_moved_copies(kernel, directive.kind);
  switch (directive.kind) {
    case DirectiveKind::split_: return split(kernel, directive, mode);
    case DirectiveKind::order_: return order(kernel, directive, mode);
    case DirectiveKind::fuse_: return fuse(kernel, directive, mode);
    case DirectiveKind::vectorize_: return vectorize(kernel, directive, mode);
    case DirectiveKind::unroll_: return unroll(kernel, directive, mode);
    case DirectiveKind::parallel_: return parallel(kernel, directive, mode);
    case DirectiveKind::rfactor_: return rfactor(kernel, directive, mode);
    case DirectiveKind::keep_: return keep(kernel, directive, mode);
    case DirectiveKind::pack_: return pack(kernel, directive, mode);
    case DirectiveKind::stream_: return stream(kernel, directive, mode);
    case DirectiveKind::block_: return block(kernel, directive, mode);
    case DirectiveKind::thread_: return thread(kernel, directive, mode);
    case DirectiveKind::shared_: return shared(kernel, directive, mode);
    case DirectiveKind::mma_: return mma(kernel, directive, mode);
    case DirectiveKind::pipeline_: return pipeline(kernel, directive, mode);
    case DirectiveKind::peel_: return peel(kernel, directive, mode);
    case DirectiveKind::pad_: return pad(kernel, directive, mode);
    case DirectiveKind::registers_: return registers(kernel, directive, mode);
    case DirectiveKind::prefetch_: return prefetch(kernel, directive, mode);
    case DirectiveKind::inline_: return;  // the pass `fuse` has done it, where there is one
  }
}

void apply_schedule(Kernel& kernel, const ir::Schedule& schedule, Mode mode) {
  using ast::typed::DirectiveTarget;
  const DirectiveTarget elsewhere = mode.gpu ? DirectiveTarget::cpu : DirectiveTarget::gpu;
  for (const Directive& directive : schedule) {
    if (row(directive.kind).target == elsewhere) continue;
    try {
      apply_directive(kernel, directive, mode);
    } catch (Refused& refused) {
      refused.reason = fmt::format("`{}` is refused: {}", print(directive), refused.reason);
      refused.span = directive.span;
      throw;
    }
  }
  if (!kernel.shared.empty()) add_barriers(kernel);
  if (!mode.gpu || schedule.empty()) return;
  try {
    check_private(kernel);
  } catch (Refused& refused) {
    refused.span = schedule.back().span;
    throw;
  }
}

}  // namespace tenon::opt::loops
