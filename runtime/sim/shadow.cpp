#include "runtime/sim/shadow.h"

#include <algorithm>

namespace tenon::runtime::sim {

void Shadow::set_initialized(uint64_t first, uint64_t count) {
  if (all_ || count == 0) return;
  if (first == 0 && count == bytes_) {
    all_ = true;
    initialized_ = {};
    return;
  }
  if (initialized_.empty()) initialized_.resize((bytes_ + 63) / 64);
  for (uint64_t at = first; at < first + count;) {
    const uint64_t bit = at % 64, many = std::min(64 - bit, first + count - at);
    initialized_[at / 64] |= (~uint64_t{0} >> (64 - many)) << bit;
    at += many;
  }
}

bool Shadow::any_initialized(uint64_t first, uint64_t count) const {
  if (all_) return true;
  if (initialized_.empty()) return false;
  for (uint64_t at = first; at < first + count; ++at) {
    if (initialized_[at / 64] >> at % 64 & 1) return true;
  }
  return false;
}

}  // namespace tenon::runtime::sim
