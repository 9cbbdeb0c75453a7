// Bounds, alignment, initialization; sectors and banks. Races are in races.cpp.
#include "runtime/sim/memory_access.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::runtime::sim {

TENON_SIM_CLONES void read_addresses(Warp& warp, const Inst&, uint32_t base, bool wide,
                                     int64_t offset, Request& request) {
  if (wide) {
    const uint64_t* from = warp.lanes<uint64_t>(base);
    for (uint32_t lane = 0; lane < kLanes; ++lane)
      request.at[lane] = from[lane] + static_cast<uint64_t>(offset);
  } else {
    const uint32_t* from = warp.lanes<uint32_t>(base);
    for (uint32_t lane = 0; lane < kLanes; ++lane)
      request.at[lane] = static_cast<uint32_t>(from[lane] + static_cast<uint32_t>(offset));
  }
}

bool is_aligned(Warp& warp, const Inst& inst, const Request& request, std::string_view space) {
  uint64_t low = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane)
    low |= request.mask >> lane & 1 ? request.at[lane] : 0;
  if ((low & (request.bytes - 1)) == 0) return true;
  uint32_t lane = first_lane(request.mask);
  while (!has(request.mask, lane) || (request.at[lane] & (request.bytes - 1)) == 0) ++lane;
  stop(warp, inst, lane, SimFaultKind::misaligned,
       fmt::format("{} bytes at {:#x} in {} memory, which is no multiple of {}", request.bytes,
                   request.at[lane], space, request.bytes));
  return false;
}

void out_of_bounds(Warp& warp, const Inst& inst, uint32_t lane, uint64_t at, uint32_t bytes,
                   Space space) {
  std::string what;
  if (space == Space::shared) {
    what = fmt::format("{} bytes at {} of shared memory, of which the block has {}", bytes, at,
                       warp.block->shared.size());
  } else if (space == Space::local) {
    what = fmt::format("{} bytes at {} of local memory, of which the thread has {}", bytes, at,
                       warp.local_top);
  } else if (const Allocation* before = warp.block->launch->memory->before(at);
             before != nullptr && at - before->base < before->bytes + (1 << 20)) {
    what = fmt::format("{} bytes at offset {} of {}", bytes, at - before->base, before->text());
  } else {
    auto& all = warp.block->launch->memory->allocations;
    auto after = all.upper_bound(at);
    what = after != all.end() && after->first - at <= 4096
               ? fmt::format("{} bytes at {} bytes before {}", bytes, after->first - at,
                             after->second->text())
               : fmt::format("{} bytes at address {:#x}, where nothing is allocated", bytes, at);
  }
  stop(warp, inst, lane, SimFaultKind::out_of_bounds, std::move(what));
}

// ---- what an access costs

/// Fills in the distances of the lanes from the first one; true if the pattern is that of the last
/// time.
TENON_SIM_CLONES bool same_as_before(const Request& request, uint32_t base, const Pattern& pattern,
                                     int32_t* from_first, bool& fits) {
  const uint64_t first = request.at[first_lane(request.mask)];
  uint64_t wide = 0;
  uint32_t differs = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    const uint64_t distance = request.mask >> lane & 1 ? request.at[lane] - first : 0;
    wide |= (distance + 0x80000000u) >> 32;
    from_first[lane] = static_cast<int32_t>(distance);
    differs |= static_cast<uint32_t>(from_first[lane] ^ pattern.from_first[lane]);
  }
  fits = wide == 0;
  return fits && differs == 0 && pattern.valid && pattern.mask == request.mask &&
         pattern.base == base && pattern.bytes == request.bytes;
}

namespace {

void describe(const Request& request, uint32_t base, const int32_t (&from_first)[kLanes], bool fits,
              Pattern& pattern) {
  pattern.valid = fits;
  pattern.mask = request.mask;
  pattern.base = base;
  pattern.bytes = static_cast<uint8_t>(request.bytes);
  std::memcpy(pattern.from_first, from_first, sizeof from_first);
  pattern.contiguous = fits && request.mask == ~0u;
  pattern.aligned = fits;
  pattern.low = pattern.high = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    pattern.contiguous &= from_first[lane] == static_cast<int32_t>(lane * request.bytes);
    pattern.aligned &= from_first[lane] % static_cast<int32_t>(request.bytes) == 0;
    pattern.low = std::min(pattern.low, from_first[lane]);
    pattern.high = std::max(pattern.high, from_first[lane]);
  }
  pattern.places = 0;
  for (uint32_t rest = request.mask; rest != 0;) {
    const uint32_t lane = first_lane(rest);
    pattern.first_at[pattern.places] = static_cast<uint8_t>(lane);
    for (uint32_t other = lane; other < kLanes; ++other) {
      if (!has(rest, other) || request.at[other] != request.at[lane]) continue;
      pattern.last_at[pattern.places] = static_cast<uint8_t>(other);
      rest &= ~(1u << other);
    }
    ++pattern.places;
  }
}

}  // namespace

const Pattern& global_pattern(Warp& warp, const Inst& inst, Request& request) {
  Launch& launch = *warp.block->launch;
  Pattern& pattern = launch.of(launch.patterns, inst);
  const uint64_t first = request.at[first_lane(request.mask)];
  const auto base = static_cast<uint32_t>(first & 31);
  int32_t from_first[kLanes];
  bool fits;
  if (same_as_before(request, base, pattern, from_first, fits)) return pattern;
  describe(request, base, from_first, fits, pattern);
  // [snippet sectors]
  // An aligned access of up to 32 bytes lies in one sector of 32.
  uint64_t sectors[kLanes];
  uint32_t count = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (has(request.mask, lane)) sectors[count++] = request.at[lane] / 32;
  }
  std::sort(sectors, sectors + count);
  pattern.sectors = static_cast<uint32_t>(std::unique(sectors, sectors + count) - sectors);
  // [end]
  for (uint32_t i = 0; i < pattern.sectors; ++i) {
    pattern.sector_from_first[i] =
        static_cast<uint32_t>(static_cast<int64_t>(sectors[i]) - static_cast<int64_t>(first / 32));
  }
  return pattern;
}

bool lies_in_shared(Warp& warp, const Inst& inst, const Request& request, const Pattern& pattern) {
  const uint64_t size = warp.block->shared.size(), first = request.at[first_lane(request.mask)];
  const uint64_t low = first + static_cast<int64_t>(pattern.low),
                 high = first + static_cast<int64_t>(pattern.high) + request.bytes;
  if (pattern.valid && first < size && low <= first && high <= size) return true;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(request.mask, lane) ||
        (request.at[lane] <= size && request.bytes <= size - request.at[lane]))
      continue;
    out_of_bounds(warp, inst, lane, request.at[lane], request.bytes, Space::shared);
    return false;
  }
  return true;
}

/// Shared memory has 32 banks of 4 bytes. Lanes that want different words of one bank wait for each
/// other; accesses of 8 (16) bytes are done by halves (quarters) of the warp, each at least one
/// pass.
const Pattern& shared_pattern(Warp& warp, const Inst& inst, Request& request) {
  Launch& launch = *warp.block->launch;
  Pattern& pattern = launch.of(launch.shared_patterns, inst);
  int32_t from_first[kLanes];
  bool fits;
  if (same_as_before(request, 0, pattern, from_first, fits)) return pattern;
  describe(request, 0, from_first, fits, pattern);
  pattern.wavefronts = pattern.ideal = 0;
  const uint32_t words = std::max(1u, request.bytes / 4), lanes = kLanes / std::min(words, 4u);
  for (uint32_t begin = 0; begin < kLanes; begin += lanes) {
    uint64_t touched[kLanes * 8];
    uint32_t count = 0;
    for (uint32_t lane = begin; lane < begin + lanes; ++lane) {
      for (uint32_t word = 0; has(request.mask, lane) && word < words; ++word)
        touched[count++] = request.at[lane] / 4 + word;
    }
    if (count == 0) continue;
    std::sort(touched, touched + count);
    count = static_cast<uint32_t>(std::unique(touched, touched + count) - touched);
    // [snippet banks]
    uint32_t in_bank[32] = {}, most = 0;
    for (uint32_t i = 0; i < count; ++i) most = std::max(most, ++in_bank[touched[i] % 32]);
    pattern.wavefronts += most;
    ++pattern.ideal;
    // [end]
  }
  return pattern;
}

void count_global(Warp& warp, const Inst& inst, const Request& request, const Pattern& pattern,
                  AccessKind kind) {
  Counters& counters = warp.block->launch->counters(inst);
  const auto lanes = static_cast<uint64_t>(lane_count(request.mask));
  switch (kind) {
    case AccessKind::read:
      ++counters[Counter::load_requests];
      counters[Counter::load_sectors] += pattern.sectors;
      counters[Counter::load_bytes] += lanes * request.bytes;
      break;
    case AccessKind::write:
      ++counters[Counter::store_requests];
      counters[Counter::store_sectors] += pattern.sectors;
      counters[Counter::store_bytes] += lanes * request.bytes;
      break;
    case AccessKind::atomic:
      ++counters[Counter::atomic_requests];
      counters[Counter::atomic_sectors] += pattern.sectors;
      break;
  }
}

void touch_sectors(Warp& warp, const Inst& inst, Allocation& allocation, const Request& request,
                   const Pattern& pattern, uint32_t lanes) {
  Launch& launch = *warp.block->launch;
  std::vector<uint32_t>& stamps = allocation.shadow.stamps;
  if (stamps.empty()) stamps.resize(allocation.bytes / 32 + 1);
  const uint32_t mine = launch.stamp + warp.block->index;
  Counters& counters = launch.counters(inst);
  const auto touch = [&](uint64_t sector) {
    uint32_t& stamp = stamps[sector];
    if (stamp == mine) return;
    ++counters[Counter::l2_sectors];
    counters[Counter::dram_sectors] += stamp < launch.stamp;
    stamp = mine;
  };
  if (lanes == request.mask && pattern.valid) {
    const uint64_t first = request.at[first_lane(lanes)] / 32 - allocation.base / 32;
    for (uint32_t i = 0; i < pattern.sectors; ++i)
      touch(first + static_cast<int64_t>(static_cast<int32_t>(pattern.sector_from_first[i])));
    return;
  }
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (has(lanes, lane)) touch((request.at[lane] - allocation.base) / 32);
  }
}

void count_shared(Warp& warp, const Inst& inst, const Request& request, const Pattern& pattern) {
  Counters& counters = warp.block->launch->counters(inst);
  ++counters[Counter::shared_requests];
  counters[Counter::shared_wavefronts] += pattern.wavefronts;
  counters[Counter::shared_ideal] += pattern.ideal;
  counters[Counter::shared_bytes] +=
      static_cast<uint64_t>(lane_count(request.mask)) * request.bytes;
}

// ---- what was never written

bool check_initialized(Warp& warp, const Inst& inst, const Target& target, const Request& request,
                       uint32_t lanes, uint32_t piece) {
  Launch& launch = *warp.block->launch;
  if (target.shadow->all_initialized() || !launch.options->check_uninitialized) return true;
  const Pattern& pattern =
      launch.of(target.allocation ? launch.patterns : launch.shared_patterns, inst);
  if (pattern.valid && lanes == request.mask &&
      pattern.high - pattern.low <= 4096) {  // mostly all of it is
    const uint64_t low =
        request.at[first_lane(lanes)] - target.base + static_cast<int64_t>(pattern.low);
    if (target.shadow->all_initialized(
            low, static_cast<uint64_t>(pattern.high - pattern.low) + request.bytes))
      return true;
  }
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(lanes, lane)) continue;
    for (uint32_t part = 0; part < request.bytes; part += piece) {
      const uint64_t at = request.at[lane] - target.base + part;
      if (inst.mod.unread >> part / piece & 1) continue;
      if (target.shadow->any_initialized_aligned(at, piece)) continue;
      stop(warp, inst, lane, SimFaultKind::uninitialized_memory,
           fmt::format("reads {} bytes at offset {} of {}, which nobody has written", piece, at,
                       target.text()));
      return false;
    }
  }
  return true;
}

bool check_filled(Warp& warp, const Inst& inst, const Request& request) {
  const auto& filling = warp.block->filling;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(request.mask, lane)) continue;
    auto copy = filling.upper_bound(static_cast<uint32_t>(request.at[lane] + request.bytes - 1));
    if (copy == filling.begin()) continue;
    --copy;
    const PendingCopy& pending = copy->second;
    if (copy->first + pending.bytes <= request.at[lane]) continue;
    stop(warp, inst, lane, SimFaultKind::missing_wait,
         fmt::format("reads {} bytes at {} of shared memory, into which an asynchronous copy is "
                     "still on its way",
                     request.bytes, request.at[lane]),
         pending.site, warp.block->launch->thread(*warp.block, pending.thread));
    return false;
  }
  return true;
}

}  // namespace tenon::runtime::sim
