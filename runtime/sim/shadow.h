// What is known about memory beside its contents: which bytes were written, and who was there last.
//
// Races are found by happens-before, as FastTrack does it (Flanagan and Freund, PLDI 2009): an access
// is remembered as (thread, clock of its warp); it comes before what a thread does now if the thread's
// warp has heard of that clock, by a barrier. Warps are the units that clocks are kept for, since lanes
// of a warp meet at the warp's own barriers.
#pragma once
#include <cstdint>
#include <algorithm>
#include <memory>
#include <vector>

namespace tenon::runtime::sim {

/// An access, in 64 bits: block (20), thread (10), clock of its warp (16), instruction (18). 0: none.
struct Access {
  uint64_t bits = 0;

  static constexpr uint32_t kMaxBlocks = 1u << 20, kMaxClock = (1u << 16) - 1, kMaxSites = 1u << 18;
  static Access of(uint32_t block, uint32_t thread, uint32_t clock, uint32_t site) {
    return {uint64_t{block} << 44 | uint64_t{thread} << 34 | uint64_t{clock} << 18 | site};
  }
  uint32_t block() const { return static_cast<uint32_t>(bits >> 44); }
  uint32_t thread() const { return bits >> 34 & 1023; }
  uint32_t clock() const { return bits >> 18 & kMaxClock; }
  uint32_t site() const { return bits & (kMaxSites - 1); }
  explicit operator bool() const { return bits != 0; }  // clocks begin at 1
  /// The thread alone, with its block: equal for two accesses of one thread.
  uint64_t who() const { return bits >> 34; }
};

/// Who wrote a piece of memory last, and who read it: the last two threads, since of two different
/// ones at least one is not the next writer.
struct Accesses {
  Access write, read, read_before;
  bool atomic = false;  ///< the write was an atomic operation
};

/// The accesses to a range of memory, piece by piece, and which of its bytes are initialized. Pieces are
/// of 4 bytes until somebody accesses less. Pages come into being when they are touched, and are empty
/// again in each launch.
class Shadow {
 public:
  explicit Shadow(uint64_t bytes = 0) : bytes_(bytes) {}

  void set_initialized(uint64_t first, uint64_t count);
  /// Whether any of the bytes is initialized: reading a padded record whole is no mistake.
  bool any_initialized(uint64_t first, uint64_t count) const;
  bool all_initialized() const { return all_; }

 private:
  uint64_t bytes_;
  bool all_ = false;
  std::vector<uint64_t> initialized_;  // a bit for each byte; empty: none is
};

}  // namespace tenon::runtime::sim
