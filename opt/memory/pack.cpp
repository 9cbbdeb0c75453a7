#include "opt/memory/pack.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>

namespace tenon::opt::memory {
namespace {

using Order = std::vector<size_t>;
/// What comes first is larger.
using Weight = double (*)(const Piece&);

Order sorted(std::span<const Piece> pieces, Weight weight) {
  Order order(pieces.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return weight(pieces[i]); });
  return order;
}

// [snippet first_fit]
/// Each piece, in this order, at the lowest place where it meets none of those before it.
Packing first_fit(std::span<const Piece> pieces, const Order& order) {
  // [exercise packing]
  // [starter] Packing packing{std::vector<int64_t>(pieces.size()), 0};
  // [starter] for (const size_t i : order) {  // each behind the one before
  // [starter]   packing.offsets[i] = packing.bytes;
  // [starter]   packing.bytes += aligned(pieces[i].bytes);
  // [starter] }
  // [starter] return packing;
  Packing packing{std::vector<int64_t>(pieces.size()), 0};
  Order by_offset;  // what has a place, the lowest first
  for (const size_t i : order) {
    int64_t at = 0;
    for (const size_t other : by_offset) {
      if (common(pieces[other].needed, pieces[i].needed).empty()) continue;
      if (packing.offsets[other] >= at + pieces[i].bytes) break;  // the gap before it is enough
      at = std::max(at, aligned(packing.offsets[other] + pieces[other].bytes));
    }
    packing.offsets[i] = at;
    packing.bytes = std::max(packing.bytes, aligned(at + pieces[i].bytes));
    const auto above = [&](size_t other) { return packing.offsets[other] > at; };
    by_offset.insert(std::ranges::find_if(by_offset, above), i);
  }
  return packing;
  // [end]
}
// [end]

/// For how many moments it is needed.
double length(const Piece& piece) {
  double sum = 0;
  for (const auto& [first, end] : piece.needed) sum += static_cast<double>(end - first);
  return sum;
}

// [snippet weights]
/// Which pieces come first: what is large leaves the fewest gaps; what is needed long, or both, pays
/// where sizes are alike; and in the order of time a stack packs without a gap.
constexpr Weight kWeights[] = {
    [](const Piece& p) { return static_cast<double>(p.bytes); },
    [](const Piece& p) { return static_cast<double>(p.bytes) * length(p); },
    [](const Piece& p) { return length(p); },
    [](const Piece& p) { return -static_cast<double>(p.needed.front().first); },
};
// [end]

}  // namespace

Stretches united(const Stretches& a, const Stretches& b) {
  Stretches all;
  std::ranges::merge(a, b, std::back_inserter(all), {}, &Stretch::first, &Stretch::first);
  Stretches result;
  for (const Stretch& s : all) {
    if (result.empty() || result.back().end < s.first) result.push_back(s);
    else result.back().end = std::max(result.back().end, s.end);
  }
  return result;
}

Stretches common(const Stretches& a, const Stretches& b) {
  Stretches result;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    const Stretch both{std::max(x->first, y->first), std::min(x->end, y->end)};
    if (both.first < both.end) result.push_back(both);
    (x->end < y->end ? x : y)++;
  }
  return result;
}

int64_t most_live(std::span<const Piece> pieces) {
  std::map<int64_t, int64_t> changes;  // moment -> bytes more
  for (const Piece& piece : pieces)
    for (const auto& [first, end] : piece.needed)
      changes[first] += piece.bytes, changes[end] -= piece.bytes;
  int64_t live = 0, most = 0;
  for (const auto& [moment, more] : changes) most = std::max(most, live += more);
  return most;
}

Packing pack(std::span<const Piece> pieces) {
  Packing best;
  for (const Weight weight : kWeights) {
    Packing packing = first_fit(pieces, sorted(pieces, weight));
    if (best.offsets.empty() || packing.bytes < best.bytes) best = std::move(packing);
  }
  return best;
}

}  // namespace tenon::opt::memory
