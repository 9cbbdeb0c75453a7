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
    // [snippet unordered]
    return earlier.thread() != thread && earlier.clock() > warp.heard[earlier.warp()];
    // [end]
  }
};

void note_race(Warp& warp, const Inst& inst, const Target& target, uint64_t at, uint32_t lane,
               bool writes, Access earlier, bool earlier_writes) {
  Launch& launch = *warp.block->launch;
  Block& block = *warp.block;
  const uint32_t thread = warp.index * kLanes + lane;
  ThreadId other;
  const uint64_t blocks_back = (block.index - earlier.block()) & (Access::kMaxBlocks - 1);
  const uint32_t index = block.index >= blocks_back
                             ? static_cast<uint32_t>(block.index - blocks_back)
                             : earlier.block();
  other = launch.thread_of(index, earlier.thread());
  const bool warps_differ = earlier.warp() != warp.index || index != block.index;
  launch.note(SimFaultKind::race, inst, block, thread,
              fmt::format("{} offset {} of {}, which {} {}, and no barrier is between{}",
                          writes ? "writes" : "reads", at, target.text(),
                          warps_differ ? "another thread" : "another lane of the warp",
                          earlier_writes ? "wrote" : "read",
                          index != block.index ? ": they are in different blocks" : ""),
              earlier.site(), other);
}

}  // namespace

/// One place that lanes `first` to `last` read, all at once.
static void check_read(Warp& warp, const Inst& inst, const Target& target, Accesses::Page& page,
                       uint64_t at, uint32_t bytes, uint64_t mine, uint32_t first, uint32_t last) {
  const uint64_t inside = at % Accesses::kPage, end = (inside + bytes - 1) >> page.shift;
  const uint64_t by_first = mine + (uint64_t{first} << 34), by_last = mine + (uint64_t{last} << 34);
  for (uint64_t piece = inside >> page.shift; piece <= end; ++piece) {
    const Access write{page.write[piece]};
    // Quick for what all warps have heard of.
    if (write.bits != 0 && ((write.bits ^ mine) >> 44 != 0 || write.clock() > warp.heard_of_all)) {
      const Now now{*warp.block->launch, *warp.block, warp, target.allocation == nullptr};
      for (const uint32_t lane : {first, last}) {
        if (!now.is_unordered(write, warp.index * kLanes + lane) ||
            (write.is_atomic() && inst.mod.volatile_))
          continue;
        note_race(warp, inst, target, at, lane, false, write, true);
        break;
      }
    }
    if (first != last)
      page.read_before[piece] = by_first;
    else if ((page.read[piece] ^ by_last) >> 34 != 0)
      page.read_before[piece] = page.read[piece];
    page.read[piece] = by_last;
  }
}

void check_reads(Warp& warp, const Inst& inst, const Target& target, const Request& request,
                 uint32_t lanes) {
  Launch& launch = *warp.block->launch;
  if (!launch.check_races) return;
  const bool is_shared = target.allocation == nullptr;
  const Pattern& pattern = launch.of(is_shared ? launch.shared_patterns : launch.patterns, inst);
  const uint32_t stamp = is_shared ? 1 : launch.stamp;
  const uint64_t mine =
      Access::of(warp.block->index, warp.index * kLanes, warp.clock, inst.site).bits;
  Accesses::Page* page = nullptr;
  uint64_t number = ~uint64_t{0};
  const auto check = [&](uint32_t first, uint32_t last) {
    const uint64_t at = request.at[first] - target.base;
    if (at / Accesses::kPage != number) {
      number = at / Accesses::kPage;
      page = &target.shadow->accesses.page(at, target.bytes, request.bytes, stamp);
    }
    check_read(warp, inst, target, *page, at, request.bytes, mine, first, last);
  };
  if (lanes == pattern.mask && lanes == request.mask) {
    for (uint32_t i = 0; i < pattern.places; ++i) check(pattern.first_at[i], pattern.last_at[i]);
  } else {
    for (uint32_t rest = lanes; rest != 0; rest &= rest - 1)
      check(first_lane(rest), first_lane(rest));
  }
}

void check_write(Warp& warp, const Inst& inst, const Target& target, uint64_t address,
                 uint32_t bytes, uint32_t lane, bool is_atomic, const std::byte* value) {
  Launch& launch = *warp.block->launch;
  if (!launch.check_races) return;
  const Now now{launch, *warp.block, warp, target.allocation == nullptr};
  const uint32_t stamp = now.is_shared ? 1 : launch.stamp;
  const uint64_t at = address - target.base;
  Accesses::Page& page = target.shadow->accesses.page(at, target.bytes, bytes, stamp);
  Access me = Access::of(warp.block->index, warp.index * kLanes + lane, warp.clock, inst.site);
  if (is_atomic) me.bits |= Access::kAtomic;
  const uint64_t begin = at % Accesses::kPage >> page.shift,
                 end = ((at % Accesses::kPage) + bytes - 1) >> page.shift;
  for (uint64_t piece = begin; piece <= end; ++piece) {
    const Access write{page.write[piece]},
        reads[] = {Access{page.read[piece]}, Access{page.read_before[piece]}};
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
