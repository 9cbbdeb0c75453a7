// registers io: the arrays that a turn of the loop `io` declares are kept in registers. Registers have no
// addresses: so every loop inside whose variable is in a subscript of such an array is written out,
// but for those whose turns are lanes.
//
//     for io {                              for io {
//       local c: f32[4, 32]                   local c: f32[4, 32]
//       for k {                               for k {
//         for ii in 0..4 {                      unrolled for ii in 0..4 {
//           vectorized for ji in 0..32 {          vectorized for ji in 0..32 {
//             c[ii, ji] = c[ii, ji] + …             c[ii, ji] = c[ii, ji] + …
#include <fmt/format.h>

#include <algorithm>

#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

/// More would be kept in memory all the same.
constexpr int64_t kMostRegisters = 256;

/// The loops in whose variables an array is subscripted.
std::set<LoopId> loops_of(const Kernel& kernel, const Block& block, LocalId array) {
  std::set<LoopId> loops;
  const auto look = [&](const Subscripts& subscripts) {
    for (const ExprPtr& s : subscripts)
      for (LoopId loop = 0; loop < kernel.loops.size(); ++loop)
        if (mentions_loop(s, loop)) loops.insert(loop);
  };
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    if (set != nullptr && set->local == array) look(set->subscripts);
  });
  for_each_node(block, [&](const ExprPtr& e) {
    const auto* local = std::get_if<Local>(&e->node);
    if (local != nullptr && local->local == array) look(local->subscripts);
  });
  return loops;
}

/// A register holds as many elements as the lanes of the loops that subscript the array.
void check_size(const Kernel& kernel, const Block& block, LocalId array, const std::set<LoopId>& loops) {
  int64_t lanes = 1, elements = 1;
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop != nullptr && loop->kind == LoopKind::vectorized && loops.contains(loop->loop))
      lanes = std::max(lanes, turns_of(*loop).value_or(1));
  });
  for (const int64_t extent : kernel.locals[array].shape)
    if (__builtin_mul_overflow(elements, extent, &elements)) elements = INT64_MAX;
  if (elements / lanes > kMostRegisters)
    throw Refused{fmt::format("{} would take {} registers; at most {} are given to an array",
                              quoted(kernel, array), elements / lanes, kMostRegisters)};
}

}  // namespace

void registers(Kernel& kernel, const Directive& directive, Mode mode) {
  const LoopId around = find_loop(kernel, directive.loops[0]);
  std::set<LoopId> written_out;
  bool has_arrays = false;
  for_each_loop(kernel.body, around, [&](const For& found) {
    for (const LocalId local : declared_in(found.body)) {
      if (kernel.locals[local].shape.empty()) continue;
      has_arrays = true;
      std::set<LoopId> loops = loops_of(kernel, found.body, local);
      check_size(kernel, found.body, local, loops);
      written_out.merge(loops);
    }
    std::erase_if(written_out, [&](LoopId loop) { return !contains_loop(found.body, loop); });
  });
  if (!has_arrays)
    throw Refused{fmt::format("no turn of loop {} has an array of its own", quoted(directive.loops[0]))};
  for (const LoopId loop : written_out) {
    bool serial = false;
    for_each_loop(kernel.body, loop,
                  [&](const For& found) { serial |= found.kind == LoopKind::serial; });
    if (serial) unroll(kernel, {ir::DirectiveKind::unroll_, {kernel.loops[loop]}}, mode);
  }
}

}  // namespace tenon::opt::loops
