#include "opt/loops/directive.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/loops_launch.h"
#include "ir/loops_verify_kinds.h"
#include "opt/loops/banks.h"
#include "opt/loops/private.h"
#include "opt/loops/shared.h"
#include "opt/loops/shared_memory.h"

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

/// Threads inside other thread loops put parts together by the lanes of a warp.
void check_sums(const Kernel& kernel, const For& loop, std::span<const For* const> around) {
  const auto is_thread = [](const For* each) { return each->kind == LoopKind::thread; };
  if (!is_thread(&loop) || std::ranges::none_of(around, is_thread) || are_lanes_of_warp(loop, around)) return;
  for (const LocalId local : changed_by(loop.body))
    if (kernel.locals[local].is_scalar())
      throw Refused{fmt::format("the threads of loop {} put {} together, and are not a part of a warp: 2, 4, 8, 16 or "
                                "32 side by side", quoted(kernel.loops[loop.loop]), quoted(kernel, local))};
}

/// A directive knows the loops that it is about; those around them and in them may be bound to hardware by others.
void check_kinds(const Kernel& kernel, const Block& block, std::vector<const For*>& around) {
  for (const Stmt& stmt : block) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop != nullptr) {
      if (const std::optional<std::string> error = kind_error(kernel, *loop, around)) throw Refused{*error};
      check_sums(kernel, *loop, around);
      around.push_back(loop);
    }
    for_each_block(stmt, [&](const Block& inner) { check_kinds(kernel, inner, around); });
    if (loop != nullptr) around.pop_back();
  }
}

void check_launch(const Kernel& kernel, Mode mode) {
  const auto [blocks, threads] = launch_of(kernel);
  if (threads > kMostThreads)
    throw Refused{fmt::format("a block would have {} threads; it has at most {}", threads, kMostThreads)};
  if (blocks > kMostBlocks)
    throw Refused{fmt::format("there would be {} blocks; there are at most {}", blocks, kMostBlocks)};
  const int64_t bytes = shared_memory(kernel).bytes, most = most_shared_bytes(mode);
  if (bytes > most)
    throw Refused{fmt::format("a block would have {} bytes of shared memory; it has at most {}", bytes, most)};
}

void apply_alone(Kernel& kernel, const Directive& directive, Mode mode) {
  using ir::DirectiveKind;
  switch (directive.kind) {
    case DirectiveKind::split_: return split(kernel, directive, mode);
    case DirectiveKind::order_: return order(kernel, directive, mode);
    case DirectiveKind::fuse_: return fuse(kernel, directive, mode);
    case DirectiveKind::vectorize_: return vectorize(kernel, directive, mode);
    case DirectiveKind::unroll_: return unroll(kernel, directive, mode);
    case DirectiveKind::parallel_: return parallel(kernel, directive, mode);
    case DirectiveKind::rfactor_: return rfactor(kernel, directive, mode);
    case DirectiveKind::keep_: return keep(kernel, directive, mode);
    case DirectiveKind::speculate_: return speculate(kernel, directive, mode);
    case DirectiveKind::at_: return at(kernel, directive, mode);
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

/// What the directives together decide: who has which array, where its rows lie, who waits for whom.
void finish_for_gpu(Kernel& kernel, Mode mode) {
  share_definitions(kernel);
  compute_in_place(kernel);
  for (const auto& [array, name] : std::map(kernel.definitions)) {
    if (!kernel.shared.contains(array)) continue;
    Kernel laid_out = kernel;
    choose_layout(laid_out, array, 1);
    if (shared_memory(laid_out).bytes <= most_shared_bytes(mode)) kernel = std::move(laid_out);
  }
  check_launch(kernel, mode);
  check_private(kernel);
  add_barriers(kernel);
}

}  // namespace

void apply_directive(Kernel& kernel, const Directive& directive, Mode mode) {
  refuse_moved_copies(kernel, directive.kind);
  apply_alone(kernel, directive, mode);
  std::vector<const For*> around;
  check_kinds(kernel, kernel.body, around);
  check_launch(kernel, mode);
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
  if (!mode.gpu || schedule.empty()) return;
  try {
    finish_for_gpu(kernel, mode);
  } catch (Refused& refused) {
    refused.span = schedule.back().span;
    throw;
  }
}

}  // namespace tenon::opt::loops
