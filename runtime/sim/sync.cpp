// Barriers of a block and of a warp, fences, mbarriers; and what they say about what comes before
// what.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/sim/decode.h"

namespace tenon::runtime::sim {
namespace {

/// What the warp has done, and what it heard of, is told to `heard`.
void tell(const Warp& warp, std::vector<uint32_t>& heard) {
  heard.resize(warp.heard.size());
  for (size_t i = 0; i < heard.size(); ++i) heard[i] = std::max(heard[i], warp.heard[i]);
  heard[warp.index] = std::max(heard[warp.index], warp.clock);
}
/// The warp hears it, and what it does from now on is new.
void hear(Warp& warp, const std::vector<uint32_t>& heard) {
  for (size_t i = 0; i < heard.size(); ++i) warp.heard[i] = std::max(warp.heard[i], heard[i]);
  warp.heard_of_all = *std::min_element(warp.heard.begin(), warp.heard.end());
}
void tick(Warp& warp) {
  warp.heard[warp.index] = std::max(warp.heard[warp.index], warp.clock);
  warp.heard_of_all = *std::min_element(warp.heard.begin(), warp.heard.end());
  if (warp.clock < Access::kMaxClock)
    ++warp.clock;
  else
    warp.block->launch->check_races = false;  // more barriers than a clock has numbers
}

void release(Block& block, uint32_t id) {
  Barrier& barrier = block.barriers[id];
  const Program& program = *block.launch->program;
  for (Warp& warp : block.warps) {
    if (warp.state != WarpState::at_barrier || warp.barrier != id) continue;
    hear(warp, barrier.heard);
    warp.state = WarpState::ready;
    const Inst& inst = program.code[warp.pc - 1];
    const auto kind = static_cast<BarrierKind>(inst.mod.what);
    if (kind == BarrierKind::red_popc) {
      for (uint32_t lane = 0; lane < kLanes; ++lane)
        warp.lanes<uint32_t>(inst.d)[lane] = barrier.population;
    } else if (kind == BarrierKind::red_and || kind == BarrierKind::red_or) {
      warp.predicate(inst.d) = (kind == BarrierKind::red_and ? barrier.all : barrier.any) ? ~0u : 0;
    }
  }
  barrier = Barrier();
}

Flow barrier(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  Block& block = *warp.block;
  Launch& launch = *block.launch;
  const Program& program = *launch.program;
  if (mask != warp.alive) {
    const uint32_t absent = warp.alive & ~mask;
    uint32_t other = kNone;
    for (const Parted& parted : warp.parted) {
      if (parted.mask & absent && parted.pc < program.code.size())
        other = program.code[parted.pc].site;
    }
    return stop(
        warp, inst, first_lane(mask), SimFaultKind::divergent_barrier,
        fmt::format("only lanes {:#010x} of {:#010x} of the warp come to this barrier together",
                    mask, warp.alive),
        other, launch.thread(block, warp.index * kLanes + first_lane(absent)));
  }
  const uint32_t lane = first_lane(mask), id = warp.lanes<uint32_t>(inst.a)[lane];
  const uint32_t everyone = (block.threads + kLanes - 1) / kLanes * kLanes;
  const uint32_t count = inst.b == kNone ? everyone : warp.lanes<uint32_t>(inst.b)[lane];
  if (id >= kBarriers || count == 0 || count % kLanes != 0 || count > everyone) {
    return stop(warp, inst, lane, SimFaultKind::unsupported,
                fmt::format("barrier {} for {} threads: there are 16 barriers, for multiples of 32 "
                            "threads up to the {} of the block",
                            id, count, everyone));
  }
  if (inst.b == kNone &&
      __builtin_popcount(warp.alive) !=
          static_cast<int>(std::min(kLanes, block.threads - warp.index * kLanes))) {
    const uint32_t gone = ~warp.alive & (block.threads - warp.index * kLanes >= kLanes
                                             ? ~0u
                                             : (1u << (block.threads - warp.index * kLanes)) - 1);
    return stop(warp, inst, lane, SimFaultKind::missed_barrier,
                "waits for all threads of the block, of which some have left the kernel",
                warp.exit_site, launch.thread(block, warp.index * kLanes + first_lane(gone)));
  }
  Barrier& here = block.barriers[id];
  if (here.arrived != 0 && here.expected != count) {
    return stop(warp, inst, lane, SimFaultKind::deadlock,
                fmt::format("barrier {} for {} threads, at which others wait for {}", id, count,
                            here.expected),
                here.site);
  }
  const auto kind = static_cast<BarrierKind>(inst.mod.what);
  ++launch.counters(inst)[Counter::barriers];
  here.expected = count;
  here.arrived += kLanes;
  here.site = inst.site;
  tell(warp, here.heard);
  tick(warp);
  if (inst.c != kNone) {
    const uint32_t votes =
        (inst.mod.negated ? ~warp.predicate(inst.c) : warp.predicate(inst.c)) & mask;
    here.all &= votes == mask;
    here.any |= votes != 0;
    here.population += static_cast<uint32_t>(__builtin_popcount(votes));
  }
  ++warp.pc;
  if (kind != BarrierKind::arrive) {
    warp.state = WarpState::at_barrier;
    warp.barrier = id;
    warp.barrier_site = inst.site;
  }
  if (here.arrived >= here.expected) release(block, id);
  return warp.state == WarpState::ready ? Flow::jump : Flow::stop;
}

Flow warp_barrier(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  const uint32_t* members = warp.lanes<uint32_t>(inst.a);
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(mask, lane)) continue;
    const uint32_t absent = members[lane] & warp.alive & ~mask;
    if (absent == 0 && has(members[lane], lane)) continue;
    return stop(warp, inst, lane, SimFaultKind::wrong_lanes,
                fmt::format("the mask {:#010x} of a warp's barrier, which lanes {:#010x} come to",
                            members[lane], mask));
  }
  tick(warp);
  return Flow::next;
}

Flow fence(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask != 0 && inst.mod.what != 0) warp.block->fenced = true;
  return Flow::next;
}

// ---- mbarriers: phases that end when all have arrived

void complete(MBarrier& barrier) {
  if (barrier.pending != 0 || barrier.bytes != 0) return;
  ++barrier.phase;
  barrier.pending = barrier.expected;
}

/// One lane's operation. False if there was a fault.
bool step(Warp& warp, const Inst& inst, uint32_t lane, uint32_t at, bool& failed) {
  Block& block = *warp.block;
  const auto kind = static_cast<MBarrierKind>(inst.mod.what);
  const uint64_t operand = inst.b == kNone ? 1
                           : kind == MBarrierKind::test_wait || kind == MBarrierKind::try_wait
                               ? warp.lanes<uint64_t>(inst.b)[lane]
                               : warp.lanes<uint32_t>(inst.b)[lane];
  if (kind == MBarrierKind::init) {
    MBarrier& made = block.mbarriers[at] = MBarrier();
    made.expected = made.pending = static_cast<uint32_t>(operand);
    std::memset(block.shared.data() + at, 0, 8);
    block.shared_shadow.set_initialized(at, 8);
    return true;
  }
  auto found = block.mbarriers.find(at);
  if (found == block.mbarriers.end()) {
    stop(warp, inst, lane, SimFaultKind::uninitialized_memory,
         fmt::format("no mbarrier was made at {} of shared memory", at));
    return false;
  }
  MBarrier& barrier = found->second;
  const auto set = [&](bool value) {
    uint32_t& d = warp.predicate(inst.d);
    d = (d & ~(1u << lane)) | uint32_t{value} << lane;
    failed |= !value;
    if (value) hear(warp, barrier.heard);
  };
  switch (kind) {
    case MBarrierKind::inval: block.mbarriers.erase(found); return true;
    case MBarrierKind::expect: barrier.bytes += static_cast<int64_t>(operand); return true;
    case MBarrierKind::arrive_expect:
      barrier.bytes += static_cast<int64_t>(operand);
      [[fallthrough]];
    case MBarrierKind::arrive: {
      const uint32_t count =
          kind == MBarrierKind::arrive && inst.b != kNone ? static_cast<uint32_t>(operand) : 1;
      if (count > barrier.pending) {
        stop(warp, inst, lane, SimFaultKind::deadlock,
             fmt::format("{} arrive at an mbarrier that expects {} more", count, barrier.pending));
        return false;
      }
      if (inst.d != kNone) warp.lanes<uint64_t>(inst.d)[lane] = barrier.phase;
      tell(warp, barrier.heard);
      barrier.pending -= count;
      complete(barrier);
      block.vain = 0;
      return true;
    }
    case MBarrierKind::test_wait:
    case MBarrierKind::try_wait: set(barrier.phase != operand); return true;
    case MBarrierKind::test_parity:
    case MBarrierKind::try_parity: set((barrier.phase & 1) != (operand & 1)); return true;
    default: return true;
  }
}

Flow mbarrier(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  Block& block = *warp.block;
  bool failed = false;
  const auto kind = static_cast<MBarrierKind>(inst.mod.what);
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(mask, lane)) continue;
    uint64_t at = (inst.mod.wide_address ? warp.lanes<uint64_t>(inst.a)[lane]
                                         : warp.lanes<uint32_t>(inst.a)[lane]) +
                  static_cast<uint64_t>(inst.offset);
    if (at - kSharedWindow < kWindowBytes) at -= kSharedWindow;
    if (at % 8 != 0 || at > block.shared.size() || block.shared.size() - at < 8) {
      return stop(warp, inst, lane, at % 8 ? SimFaultKind::misaligned : SimFaultKind::out_of_bounds,
                  fmt::format("an mbarrier at {} of shared memory", at));
    }
    if (!step(warp, inst, lane, static_cast<uint32_t>(at), failed)) return Flow::stop;
  }
  if (kind == MBarrierKind::arrive || kind == MBarrierKind::arrive_expect) tick(warp);
  if (!failed) return Flow::next;
  // In vain: others must get on. When nobody does, all wait for what cannot come.
  if (++block.vain > 1000 * block.warps.size()) {
    return stop(warp, inst, first_lane(mask), SimFaultKind::deadlock,
                "waits for an mbarrier's phase that nobody ends any more");
  }
  ++warp.pc;
  return Flow::stop;
}

}  // namespace

namespace run {
const Exec barrier = sim::barrier, warp_barrier = sim::warp_barrier, fence = sim::fence,
           mbarrier = sim::mbarrier;
}

}  // namespace tenon::runtime::sim
