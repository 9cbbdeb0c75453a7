#include "ir/loops_launch.h"

#include <algorithm>
#include <bit>

#include "ir/loops_walk.h"

namespace tenon::ir::loops {
namespace {

int64_t saturating_product(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

/// The most turns that loops of a kind in a block have together. Those of matrix units take a warp.
int64_t widest(const Block& block, LoopKind kind) {
  int64_t most = 1;
  for (const Stmt& stmt : block) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop != nullptr && loop->kind == kind) most = std::max(most, turns_with_inner(*loop));
    else if (loop != nullptr && loop->kind == LoopKind::mma && kind == LoopKind::thread) most = std::max(most, kWarp);
    else for_each_block(stmt, [&](const Block& inner) { most = std::max(most, widest(inner, kind)); });
  }
  return most;
}

bool has_threads(const Block& block) {
  bool found = false;
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    found = found || (loop != nullptr && (loop->kind == LoopKind::thread || loop->kind == LoopKind::mma));
  });
  return found;
}

}  // namespace

int64_t turns_with_inner(const For& loop) {
  return saturating_product(most_turns_of(loop).value_or(1), widest(loop.body, loop.kind));
}

bool are_lanes_of_warp(const For& loop, std::span<const For* const> around) {
  const int64_t lanes = turns_with_inner(loop);
  if (lanes > kWarp || !std::has_single_bit(static_cast<uint64_t>(lanes))) return false;
  return std::ranges::all_of(around, [&](const For* outer) {
    return outer->kind != LoopKind::thread || widest(outer->body, LoopKind::thread) % lanes == 0;
  });
}

Launch launch_of(const Kernel& kernel) {
  Launch launch;
  launch.blocks = widest(kernel.body, LoopKind::block);
  if (!has_threads(kernel.body)) return launch;
  const int64_t threads = widest(kernel.body, LoopKind::thread);
  launch.threads = threads > INT64_MAX - kWarp ? threads : (threads + kWarp - 1) / kWarp * kWarp;
  return launch;
}

}  // namespace tenon::ir::loops
