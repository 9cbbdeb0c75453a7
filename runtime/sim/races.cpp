// Races: two threads at one place, one of them writes, and neither heard of the other before.
#include <fmt/format.h>

#include "runtime/sim/memory_access.h"

namespace tenon::runtime::sim {
namespace {

/// Whether an earlier access is not known to come before what the warp does now.
struct Now {
  const Launch& launch;
  const Block& block;
  const Warp& warp;
  bool is_shared;

  bool is_unordered(Access earlier, uint32_t thread) const {
    if (earlier.bits == 0) return false;
    if (earlier.block() != (block.index & (Access::kMaxBlocks - 1))) {
      // Of another block: only a fence with an atomic there, and an atomic here, order the two.
      return !is_shared && !(launch.published[earlier.block()] && block.acquired);
    }
    return earlier.thread() != thread && earlier.clock() > warp.heard[earlier.warp()];
  }
};

void note_race(Warp& warp, const Inst& inst, const Target& target, uint64_t at, uint32_t lane, bool writes, Access earlier, bool earlier_writes) {
  Launch& launch = *warp.block->launch;
  Block& block = *warp.block;
  const uint32_t thread = warp.index * kLanes + lane;
  ThreadId other;
  const uint64_t blocks_back = (block.index - earlier.block()) & (Access::kMaxBlocks - 1);
  const uint32_t index = block.index >= blocks_back ? static_cast<uint32_t>(block.index - blocks_back) : earlier.block();
  other = launch.thread_of(index, earlier.thread());
  const bool warps_differ = earlier.warp() != warp.index || index != block.index;
  launch.note(SimFaultKind::race, inst, block, thread,
              fmt::format("{} offset {} of {}, which {} {}, and no barrier is between{}", writes ? "writes" : "reads", at, target.text(),
                          warps_differ ? "another thread" : "another lane of the warp", earlier_writes ? "wrote" : "read",
                          index != block.index ? ": they are in different blocks" : ""),
              earlier.site(), other);
}

}  // namespace

void check_reads(Warp& warp, const Inst& inst, const Target& target, const Request& request, uint32_t lanes) {
  Launch& launch = *warp.block->launch;
  if (!launch.check_races) return;
  const Now now{launch, *warp.block, warp, target.allocation == nullptr};
  const uint32_t stamp = now.is_shared ? 1 : launch.stamp;
  const uint64_t mine = Access::of(warp.block->index, warp.index * kLanes, warp.clock, inst.site).bits;
  const uint64_t heard = warp.heard_of_all;
  Accesses::Page* page = nullptr;
  uint64_t last = ~uint64_t{0}, number = ~uint64_t{0};
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    const uint32_t lane = first_lane(rest);
    const uint64_t at = request.at[lane] - target.base;
    // Of many lanes at one place the first and the last say all.
    if (at == last && (rest & (rest - 1)) != 0) continue;
    last = at;
    if (at / Accesses::kPage != number) {
      number = at / Accesses::kPage;
      page = &target.shadow->accesses.page(at, target.bytes, request.bytes, stamp);
    }
    const uint64_t me = mine + (uint64_t{lane} << 34);
    const uint64_t inside = at % Accesses::kPage, end = (inside + request.bytes - 1) >> page->shift;
    for (uint64_t piece = inside >> page->shift; piece <= end; ++piece) {
      const uint64_t write = page->write[piece];
      // Quick for what all warps have heard of.
      if (write != 0 && ((write ^ me) >> 44 != 0 || (write >> 18 & Access::kMaxClock) > heard)) {
        const Access earlier{write};
        if (now.is_unordered(earlier, warp.index * kLanes + lane) && !(earlier.is_atomic() && inst.mod.volatile_)) {
          note_race(warp, inst, target, at, lane, false, earlier, true);
        }
      }
      const uint64_t read = page->read[piece];
      if ((read ^ me) >> 34 != 0) page->read_before[piece] = read;
      page->read[piece] = me;
    }
  }
}

void check_write(Warp& warp, const Inst& inst, const Target& target, uint64_t address, uint32_t bytes, uint32_t lane,
                 bool is_atomic, const std::byte* value) {
  Launch& launch = *warp.block->launch;
  if (!launch.check_races) return;
  const Now now{launch, *warp.block, warp, target.allocation == nullptr};
  const uint32_t stamp = now.is_shared ? 1 : launch.stamp;
  const uint64_t at = address - target.base;
  Accesses::Page& page = target.shadow->accesses.page(at, target.bytes, bytes, stamp);
  Access me = Access::of(warp.block->index, warp.index * kLanes + lane, warp.clock, inst.site);
  if (is_atomic) me.bits |= Access::kAtomic;
  const uint64_t begin = at % Accesses::kPage >> page.shift, end = ((at % Accesses::kPage) + bytes - 1) >> page.shift;
  for (uint64_t piece = begin; piece <= end; ++piece) {
    const Access write{page.write[piece]}, reads[] = {Access{page.read[piece]}, Access{page.read_before[piece]}};
    if (now.is_unordered(write, me.thread()) && !(is_atomic && write.is_atomic())) {
      // Writing what is there already does no harm: all threads may set one flag.
      const bool same = value != nullptr && std::memcmp(target.data + at, value, bytes) == 0;
      if (!same) note_race(warp, inst, target, at, lane, true, write, true);
    } else {
      for (const Access read : reads) {
        if (!now.is_unordered(read, me.thread()) || (is_atomic && read.is_atomic())) continue;
        note_race(warp, inst, target, at, lane, true, read, false);
        break;
      }
    }
    page.write[piece] = me.bits;
  }
}

}  // namespace tenon::runtime::sim
