#include "ir/cache.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace tenon::ir {
namespace {

constexpr uint64_t kEmpty = std::numeric_limits<uint64_t>::max();

}  // namespace

Cache::Cache(CacheShape shape)
    : shape_(shape),
      sets_(shape.period() / static_cast<uint64_t>(shape.line)),
      lines_(sets_ * static_cast<uint64_t>(shape.ways), kEmpty) {}

bool Cache::access(uint64_t address) {
  const uint64_t line = address / static_cast<uint64_t>(shape_.line);
  const auto first = lines_.begin() + static_cast<int64_t>(line % sets_) * shape_.ways;
  const auto end = first + shape_.ways;
  const auto found = std::find(first, end, line);
  const bool hit = found != end;
  if (!hit) *(end - 1) = line;
  std::rotate(first, hit ? found : end - 1, hit ? found + 1 : end);
  return hit;
}

Caches::Caches(CacheShape first, CacheShape second)
    : l1(first), l2(second), period(std::lcm(first.period(), second.period())) {}

}  // namespace tenon::ir
