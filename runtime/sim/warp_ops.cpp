// What the lanes of a warp do together: shuffles, votes, matches, reductions. Each lane names in a
// mask the lanes that take part; those must be the ones that are there.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/sim/decode.h"

namespace tenon::runtime::sim {
namespace {

/// Whether each lane names itself, and all that it names have come, but for those that left the
/// kernel.
bool right_lanes(Warp& warp, const Inst& inst, uint32_t mask, const uint32_t* members) {
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(mask, lane)) continue;
    const uint32_t absent = members[lane] & warp.alive & ~mask;
    if (has(members[lane], lane) && absent == 0) continue;
    const std::string what =
        absent == 0 ? fmt::format("the mask {:#010x} does not name lane {}, which runs this",
                                  members[lane], lane)
                    : fmt::format(
                          "the mask {:#010x} names lane {}, which does not come here with the "
                          "others ({:#010x} run this)",
                          members[lane], first_lane(absent), mask);
    uint32_t other = kNone;
    for (const Parted& parted : warp.parted) {
      if (absent & parted.mask && parted.pc < warp.block->launch->program->code.size())
        other = warp.block->launch->program->code[parted.pc].site;
    }
    stop(warp, inst, lane, SimFaultKind::wrong_lanes, what, other,
         absent ? warp.block->launch->thread(*warp.block, warp.index * kLanes + first_lane(absent))
                : ThreadId());
    return false;
  }
  return true;
}

/// The lane that a lane reads from, and whether that lies in its segment (PTX ISA, shfl.sync).
std::pair<uint32_t, bool> source_lane(Shuffle kind, uint32_t lane, uint32_t b, uint32_t c) {
  const uint32_t segment = c >> 8 & 31, clamp = c & 31;
  const auto from = static_cast<int>(b & 31), me = static_cast<int>(lane);
  const int most = static_cast<int>((lane & segment) | (clamp & ~segment)),
            least = static_cast<int>(lane & segment);
  int j = me;
  bool inside = false;
  switch (kind) {
    case Shuffle::up: j = me - from, inside = j >= most; break;
    case Shuffle::down: j = me + from, inside = j <= most; break;
    case Shuffle::bfly: j = me ^ from, inside = j <= most; break;
    case Shuffle::idx: j = least | (from & ~static_cast<int>(segment)), inside = j <= most; break;
  }
  return {static_cast<uint32_t>(inside ? j : me), inside};
}

Flow shuffle(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  const uint32_t* list = warp.block->launch->program->lists.data() + inst.list;
  if (!right_lanes(warp, inst, mask, warp.lanes<uint32_t>(list[0]))) return Flow::stop;
  const uint32_t *a = warp.lanes<uint32_t>(inst.a), *b = warp.lanes<uint32_t>(inst.b),
                 *c = warp.lanes<uint32_t>(inst.c);
  uint32_t made[kLanes], inside = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    const auto [from, is_inside] =
        source_lane(static_cast<Shuffle>(inst.mod.what), lane, b[lane], c[lane]);
    if (has(mask, lane) && !has(mask, from)) {
      return stop(warp, inst, lane, SimFaultKind::wrong_lanes,
                  fmt::format("lane {} reads from lane {}, which does not take part ({:#010x} do)",
                              lane, from, mask));
    }
    made[lane] = a[from];
    inside |= uint32_t{is_inside} << lane;
  }
  uint32_t* d = warp.lanes<uint32_t>(inst.d);
  for (uint32_t lane = 0; lane < kLanes; ++lane) d[lane] = has(mask, lane) ? made[lane] : d[lane];
  uint32_t& p = warp.predicate(list[1]);
  p = (p & ~mask) | (inside & mask);
  return Flow::next;
}

Flow vote(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  const uint32_t* members = warp.lanes<uint32_t>(inst.b);
  if (!right_lanes(warp, inst, mask, members)) return Flow::stop;
  const uint32_t votes = inst.mod.negated ? ~warp.predicate(inst.a) : warp.predicate(inst.a);
  uint32_t result = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(mask, lane)) continue;
    const uint32_t group = members[lane] & mask, yes = votes & group;
    bool holds = false;
    switch (static_cast<Vote>(inst.mod.what)) {
      case Vote::all: holds = yes == group; break;
      case Vote::any: holds = yes != 0; break;
      case Vote::uni: holds = yes == group || yes == 0; break;
      case Vote::ballot: warp.lanes<uint32_t>(inst.d)[lane] = yes; break;
    }
    result |= uint32_t{holds} << lane;
  }
  if (static_cast<Vote>(inst.mod.what) != Vote::ballot) {
    uint32_t& d = warp.predicate(inst.d);
    d = (d & ~mask) | result;
  }
  return Flow::next;
}

Flow match(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  const uint32_t* members = warp.lanes<uint32_t>(inst.b);
  if (!right_lanes(warp, inst, mask, members)) return Flow::stop;
  const auto value = [&](uint32_t lane) {
    return inst.width_a == 64 ? warp.lanes<uint64_t>(inst.a)[lane]
                              : uint64_t{warp.lanes<uint32_t>(inst.a)[lane]};
  };
  uint32_t made[kLanes], all = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(mask, lane)) continue;
    const uint32_t group = members[lane] & mask;
    uint32_t same = 0;
    for (uint32_t other = 0; other < kLanes; ++other)
      same |= uint32_t{has(group, other) && value(other) == value(lane)} << other;
    all |= uint32_t{same == group} << lane;
    made[lane] = inst.mod.what == 0 ? same : same == group ? group : 0;
  }
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (has(mask, lane)) warp.lanes<uint32_t>(inst.d)[lane] = made[lane];
  }
  uint32_t& p = warp.predicate(warp.block->launch->program->lists[inst.list]);
  p = (p & ~mask) | all;
  return Flow::next;
}

Flow reduce(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  const uint32_t* members = warp.lanes<uint32_t>(inst.b);
  if (!right_lanes(warp, inst, mask, members)) return Flow::stop;
  const uint32_t* a = warp.lanes<uint32_t>(inst.a);
  const auto combine = [&](uint32_t x, uint32_t y) -> uint32_t {
    const bool with_sign = is_signed(inst.type);
    const bool less = with_sign ? static_cast<int32_t>(x) < static_cast<int32_t>(y) : x < y;
    switch (static_cast<Atomic>(inst.mod.what)) {
      case Atomic::add: return x + y;
      case Atomic::min: return less ? x : y;
      case Atomic::max: return less ? y : x;
      case Atomic::and_: return x & y;
      case Atomic::or_: return x | y;
      default: return x ^ y;
    }
  };
  uint32_t made[kLanes];
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(mask, lane)) continue;
    uint32_t group = members[lane] & mask;
    made[lane] = a[first_lane(group)];
    for (group &= group - 1; group != 0; group &= group - 1)
      made[lane] = combine(made[lane], a[first_lane(group)]);
  }
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (has(mask, lane)) warp.lanes<uint32_t>(inst.d)[lane] = made[lane];
  }
  return Flow::next;
}

Flow active_mask(Warp& warp, const Inst& inst, uint32_t mask) {
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (has(mask, lane)) warp.lanes<uint32_t>(inst.d)[lane] = mask;
  }
  return Flow::next;
}

/// The lowest lane of those that take part.
Flow elect(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  const uint32_t* members = warp.lanes<uint32_t>(inst.a);
  if (!right_lanes(warp, inst, mask, members)) return Flow::stop;
  uint32_t& p = warp.predicate(warp.block->launch->program->lists[inst.list]);
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(mask, lane)) continue;
    const uint32_t leader = first_lane(members[lane] & mask);
    warp.lanes<uint32_t>(inst.d)[lane] = leader;
    p = (p & ~(1u << lane)) | uint32_t{leader == lane} << lane;
  }
  return Flow::next;
}

}  // namespace

namespace run {
const Exec shuffle = sim::shuffle, vote = sim::vote, match = sim::match, reduce = sim::reduce,
           active_mask = sim::active_mask, elect = sim::elect;
}

}  // namespace tenon::runtime::sim
