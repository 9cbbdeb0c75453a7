// What every access to memory goes through: where it goes, whether it may, what it costs. Used by
// loads, stores, atomics, copies and matrix loads.
#pragma once
#include "runtime/sim/machine.h"

// Loops over lanes that are worth a version for processors with AVX2, too.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define TENON_SIM_CLONES __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define TENON_SIM_CLONES
#endif

namespace tenon::runtime::sim {

/// The accesses of a warp's lanes: addresses within their space, and bytes of each.
struct Request {
  alignas(64) uint64_t at[kLanes];
  uint32_t mask = 0;
  uint32_t bytes = 0;
};
enum class AccessKind : uint8_t { read, write, atomic };

/// The addresses base + offset.
void read_addresses(Warp& warp, const Inst& inst, uint32_t base, bool wide, int64_t offset,
                    Request& request);

/// A stretch of memory that some of the lanes access: an allocation, or a block's shared memory.
struct Target {
  std::byte* data;
  uint64_t base, bytes;
  Shadow* shadow;
  Allocation* allocation;  ///< null for shared memory
  std::string text() const { return allocation ? allocation->text() : "shared memory"; }
};

/// Checks alignment and bounds, counts what global accesses cost; calls `use(target, lanes,
/// contiguous)` for each stretch. False if there was a fault.
template <class Use>
bool access_global(Warp& warp, const Inst& inst, Request& request, AccessKind kind, Use use);
template <class Use>
bool access_shared(Warp& warp, const Inst& inst, Request& request, AccessKind kind, Use use);

// The parts of those.
const Pattern& global_pattern(Warp& warp, const Inst& inst, Request& request);
const Pattern& shared_pattern(Warp& warp, const Inst& inst, Request& request);
bool is_aligned(Warp& warp, const Inst& inst, const Request& request, std::string_view space);
/// The same by the pattern, where that says enough.
inline bool is_aligned(Warp& warp, const Inst& inst, const Request& request, const Pattern& pattern,
                       std::string_view space) {
  return (pattern.aligned && (request.at[first_lane(request.mask)] & (request.bytes - 1)) == 0) ||
         is_aligned(warp, inst, request, space);
}
bool lies_in_shared(Warp& warp, const Inst& inst, const Request& request, const Pattern& pattern);
void count_global(Warp& warp, const Inst& inst, const Request& request, const Pattern& pattern,
                  AccessKind kind);
void touch_sectors(Warp& warp, const Inst& inst, Allocation& allocation, const Request& request,
                   const Pattern& pattern, uint32_t lanes);
void count_shared(Warp& warp, const Inst& inst, const Request& request, const Pattern& pattern);
void out_of_bounds(Warp& warp, const Inst& inst, uint32_t lane, uint64_t at, uint32_t bytes,
                   Space space);

/// Whether the bytes that lanes read were ever written; notes it if not.
bool check_initialized(Warp& warp, const Inst& inst, const Target& target, const Request& request,
                       uint32_t lanes, uint32_t piece);
/// Races of these reads or writes with those before; and remembers them.
void check_reads(Warp& warp, const Inst& inst, const Target& target, const Request& request,
                 uint32_t lanes);
void check_write(Warp& warp, const Inst& inst, const Target& target, uint64_t at, uint32_t bytes,
                 uint32_t lane, bool is_atomic, const std::byte* value);
/// Whether shared memory that is read waits for an asynchronous copy.
bool check_filled(Warp& warp, const Inst& inst, const Request& request);

template <class Use>
bool access_global(Warp& warp, const Inst& inst, Request& request, AccessKind kind, Use use) {
  const Pattern& pattern = global_pattern(warp, inst, request);
  if (!is_aligned(warp, inst, request, pattern, "global")) return false;
  count_global(warp, inst, request, pattern, kind);
  Launch& launch = *warp.block->launch;
  const uint64_t first = request.at[first_lane(request.mask)];
  Allocation*& last = launch.last_allocation[inst.site];
  for (uint32_t rest = request.mask; rest != 0;) {
    const uint32_t lane = first_lane(rest);
    uint32_t lanes = 0;
    Allocation* found = last;
    if (found == nullptr || !found->holds(request.at[lane], request.bytes))
      found = launch.memory->find(request.at[lane]);
    if (found == nullptr || !found->holds(request.at[lane], request.bytes)) {
      out_of_bounds(warp, inst, lane, request.at[lane], request.bytes, Space::global);
      return false;
    }
    last = found;
    if (rest == request.mask && pattern.valid &&
        found->holds(first + pattern.low, pattern.high - pattern.low + request.bytes)) {
      lanes = rest;
    } else {
      for (uint32_t other = lane; other < kLanes; ++other) {
        lanes |= uint32_t{has(rest, other) && found->holds(request.at[other], request.bytes)}
                 << other;
      }
    }
    rest &= ~lanes;
    touch_sectors(warp, inst, *found, request, pattern, lanes);
    use(Target{found->data, found->base, found->bytes, &found->shadow, found}, lanes,
        pattern.contiguous);
    if (launch.stopped) return false;
  }
  return true;
}

template <class Use>
bool access_shared(Warp& warp, const Inst& inst, Request& request, AccessKind kind, Use use) {
  Block& block = *warp.block;
  const Pattern& pattern = shared_pattern(warp, inst, request);
  if (!is_aligned(warp, inst, request, pattern, "shared") ||
      !lies_in_shared(warp, inst, request, pattern))
    return false;
  count_shared(warp, inst, request, pattern);
  if (kind != AccessKind::write && !block.filling.empty() && !check_filled(warp, inst, request))
    return false;
  use(Target{block.shared.data(), 0, block.shared.size(), &block.shared_shadow, nullptr},
      request.mask, pattern.contiguous);
  return !block.launch->stopped;
}

}  // namespace tenon::runtime::sim
