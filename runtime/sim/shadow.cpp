#include "runtime/sim/shadow.h"

#include <algorithm>

namespace tenon::runtime::sim {

void Accesses::prepare(Page& page, uint32_t bytes, uint32_t stamp) {
  if (page.stamp != stamp) {
    page.stamp = stamp;
    page.shift = bytes < 4 ? 0 : 2;
    for (auto* list : {&page.write, &page.read, &page.read_before})
      list->assign(kPage >> page.shift, 0);
    return;
  }
  // From pieces of 4 bytes to single ones: each has the history of the whole.
  page.shift = 0;
  for (auto* list : {&page.write, &page.read, &page.read_before}) {
    std::vector<uint64_t> fine(kPage);
    for (uint64_t i = 0; i < kPage; ++i) fine[i] = (*list)[i / 4];
    *list = std::move(fine);
  }
}

void Shadow::forget() {
  all_ = false;
  std::fill(initialized_.begin(), initialized_.end(), 0);
}

void Shadow::mark(uint64_t first, uint64_t count) {
  if (count == 0) return;
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

bool Shadow::all_initialized(uint64_t first, uint64_t count) const {
  if (all_) return true;
  if (initialized_.empty()) return count == 0;
  for (uint64_t at = first; at < first + count;) {
    const uint64_t bit = at % 64, many = std::min(64 - bit, first + count - at);
    if (~initialized_[at / 64] & (~uint64_t{0} >> (64 - many)) << bit) return false;
    at += many;
  }
  return true;
}

bool Shadow::any_initialized(uint64_t first, uint64_t count) const {
  if (all_) return true;
  if (initialized_.empty()) return false;
  for (uint64_t at = first; at < first + count;) {
    const uint64_t bit = at % 64, many = std::min(64 - bit, first + count - at);
    if (initialized_[at / 64] & (~uint64_t{0} >> (64 - many)) << bit) return true;
    at += many;
  }
  return false;
}

}  // namespace tenon::runtime::sim
