// What is known about memory beside its contents: which bytes were written, and who was there last.
//
// [snippet happens-before]
// Races are found by happens-before, as FastTrack does it (Flanagan and Freund, PLDI 2009): an
// access is remembered as (thread, clock of its warp); it comes before what a thread does now if
// the thread's warp has heard of that clock, by a barrier. Warps are the units that clocks are kept
// for, since lanes of a warp meet at the warp's own barriers.
// [end]
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace tenon::runtime::sim {

/// An access, in 64 bits: atomic (1), block (19), thread (10), clock of its warp (16), instruction
/// (18). 0: none.
struct Access {
  uint64_t bits = 0;

  static constexpr uint32_t kMaxBlocks = 1u << 19, kMaxClock = (1u << 16) - 1, kMaxSites = 1u << 18;
  static constexpr uint64_t kAtomic = uint64_t{1} << 63;
  static Access of(uint32_t block, uint32_t thread, uint32_t clock, uint32_t site) {
    return {uint64_t{block & (kMaxBlocks - 1)} << 44 | uint64_t{thread} << 34 |
            uint64_t{clock} << 18 | site};
  }
  bool is_atomic() const { return bits & kAtomic; }
  uint32_t block() const { return bits >> 44 & (kMaxBlocks - 1); }
  uint32_t thread() const { return bits >> 34 & 1023; }
  uint32_t warp() const { return bits >> 39 & 31; }
  uint32_t clock() const { return bits >> 18 & kMaxClock; }
  uint32_t site() const { return bits & (kMaxSites - 1); }
  /// The thread with its block: equal for two accesses of one thread.
  uint64_t who() const { return bits >> 34 & ((1u << 29) - 1); }
};

/// Who wrote each piece of a range of memory last, and who read it: the last two threads, since of
/// two different ones at least one is not the next writer. Pieces are of 4 bytes until somebody
/// accesses less. Pages come into being when they are touched, and are empty again for another
/// stamp.
class Accesses {
 public:
  static constexpr uint64_t kPage = 4096;  ///< bytes of memory
  struct Page {
    uint32_t stamp = 0;
    uint32_t shift = 2;  ///< log2 of the bytes of a piece
    std::vector<uint64_t> write, read, read_before;
  };
  /// The page of a byte, fine enough for accesses of `bytes`.
  Page& page(uint64_t at, uint64_t size, uint32_t bytes, uint32_t stamp) {
    if (pages_.empty()) pages_.resize((size + kPage - 1) / kPage);
    Page& page = pages_[at / kPage];
    if (page.stamp != stamp || (bytes < 4 && page.shift != 0)) prepare(page, bytes, stamp);
    return page;
  }

 private:
  static void prepare(Page& page, uint32_t bytes, uint32_t stamp);
  std::vector<Page> pages_;
};

/// What is known about a range of memory.
class Shadow {
 public:
  explicit Shadow(uint64_t bytes = 0) : bytes_(bytes) {}

  void set_initialized(uint64_t first, uint64_t count) {
    if (!all_) mark(first, count);
  }
  /// Whether any of the bytes is initialized: reading a padded record whole is no mistake.
  bool any_initialized(uint64_t first, uint64_t count) const;
  /// The same for an aligned piece of 1, 2, 4 or 8 bytes.
  bool any_initialized_aligned(uint64_t first, uint64_t count) const {
    return all_ || (!initialized_.empty() &&
                    (initialized_[first / 64] >> first % 64 & ((uint64_t{1} << count) - 1)) != 0);
  }
  bool all_initialized() const { return all_; }
  bool all_initialized(uint64_t first, uint64_t count) const;
  void forget();  ///< nothing is initialized
  uint64_t bytes() const { return bytes_; }

  Accesses accesses;
  std::vector<uint32_t>
      stamps;  ///< of sectors: who touched them last, a number for each block of a launch

 private:
  void mark(uint64_t first, uint64_t count);
  uint64_t bytes_;
  bool all_ = false;
  std::vector<uint64_t> initialized_;  // a bit for each byte; empty: none is
};

}  // namespace tenon::runtime::sim
