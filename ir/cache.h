// A simulated cache: which accesses to memory miss, the same on every machine. Set-associative; in
// a full set the line goes that has not been used for longest.
//
// What real caches add (prefetchers, write-back traffic, other cores) is left out: whoever counts
// misses here counts how often a program comes back to a line before it has touched too many
// others.
#pragma once
#include <cstdint>
#include <vector>

namespace tenon::ir {

/// In bytes; `bytes` is a multiple of ways * line.
struct CacheShape {
  int64_t bytes, ways, line;
  /// Addresses that differ by this fall into one set.
  uint64_t period() const { return static_cast<uint64_t>(bytes / ways); }
};

class Cache {
 public:
  explicit Cache(CacheShape shape);
  /// Whether the line of an address is there. It is from now on.
  bool access(uint64_t address);

 private:
  CacheShape shape_;
  uint64_t sets_;
  std::vector<uint64_t> lines_;  ///< set by set, the last used one first
};

/// Two levels: what misses in the first is looked for in the second.
struct Caches {
  Cache l1, l2;
  uint64_t period;  ///< of both

  Caches(CacheShape first = {32 << 10, 8, 64}, CacheShape second = {1 << 20, 8, 64});
};

}  // namespace tenon::ir
