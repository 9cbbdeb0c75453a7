// tenon_packings: what opt/memory/pack.cpp makes of random pieces of memory.
//
//   tenon_packings apart COUNT MOST [FILE]  COUNT packings of up to MOST pieces: does anything overlap?
//   tenon_packings close COUNT MOST [FILE]  how large are the blocks, all together, against what is live?
//
// FILE is a grader's, and is not looked at. Of the packings that are wrong the smallest is shown.
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "opt/memory/pack.h"

namespace tenon::lessons {
namespace {

using namespace opt::memory;
using Pieces = std::vector<Piece>;

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  int64_t below(int64_t n) {  // SplitMix64
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<int64_t>((z ^ (z >> 31)) % static_cast<uint64_t>(n));
  }

 private:
  uint64_t state_;
};

/// Some are needed twice, as what a loop and the code behind it hold.
Pieces random_pieces(uint64_t seed, int64_t most) {
  Random random(seed);
  Pieces pieces(static_cast<size_t>(1 + random.below(most)));
  for (Piece& piece : pieces) {
    piece.bytes = 64 * (1 + random.below(random.below(3) == 0 ? 500 : 40)) - random.below(64);
    for (int64_t again = random.below(4) / 3; again >= 0; --again) {
      const int64_t first = random.below(2 * most);
      piece.needed = united(piece.needed, {{first, first + 1 + random.below(most)}});
    }
  }
  return pieces;
}

std::string text(const Piece& piece, int64_t offset) {
  std::string when;
  for (const auto& [first, end] : piece.needed) when += fmt::format(" [{}, {})", first, end);
  return fmt::format("{} bytes at {}, needed in{}", piece.bytes, offset, when);
}

/// What is wrong with a packing.
std::optional<std::string> error_of(const Pieces& pieces, const Packing& packing) {
  if (packing.offsets.size() != pieces.size()) return "there is not one offset for each piece";
  for (size_t a = 0; a < pieces.size(); ++a) {
    const int64_t at = packing.offsets[a];
    const std::string shown = text(pieces[a], at);
    if (at < 0 || at % kAlignment != 0) return shown + ": not at a multiple of 64";
    if (at + pieces[a].bytes > packing.bytes)
      return fmt::format("{}: outside of the block, which has {}", shown, packing.bytes);
    for (size_t b = 0; b < a; ++b) {
      const bool apart = at + pieces[a].bytes <= packing.offsets[b] ||
                         packing.offsets[b] + pieces[b].bytes <= at;
      if (!apart && !common(pieces[a].needed, pieces[b].needed).empty())
        return fmt::format("{}, and {}", text(pieces[b], packing.offsets[b]), shown);
    }
  }
  return std::nullopt;
}

int apart(int64_t count, int64_t most) {
  std::optional<std::string> smallest;
  size_t size = 0;
  for (int64_t seed = 0; seed < count; ++seed) {
    const Pieces pieces = random_pieces(static_cast<uint64_t>(seed), most);
    const std::optional<std::string> error = error_of(pieces, pack(pieces));
    if (!error || (smallest && size <= pieces.size())) continue;
    smallest = error, size = pieces.size();
  }
  if (smallest) fmt::print("of {} pieces: {}\n", size, *smallest);
  else fmt::print("{} packings: nothing overlaps\n", count);
  return smallest ? 1 : 0;
}

/// No block can be smaller than what is live at once, with each piece as large as its alignment makes it.
int close(int64_t count, int64_t most) {
  int64_t packed = 0, live = 0;
  for (int64_t seed = 0; seed < count; ++seed) {
    Pieces pieces = random_pieces(static_cast<uint64_t>(seed), most);
    packed += pack(pieces).bytes;
    for (Piece& piece : pieces) piece.bytes = aligned(piece.bytes);
    live += most_live(pieces);
  }
  const bool is_close = packed >= live && packed * 10 <= live * 11;
  if (is_close) fmt::print("{} packings: no more than a tenth above what is live at once\n", count);
  else fmt::print("{} packings: {} bytes for {} that are live at once\n", count, packed, live);
  return is_close ? 0 : 1;
}

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool fine = error == std::errc() && end == text.data() + text.size() && value > 0 &&
                    value <= 1'000'000;
  return fine ? std::optional(value) : std::nullopt;
}

int run(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  const auto count = number(argc > 2 ? argv[2] : ""), most = number(argc > 3 ? argv[3] : "");
  if (count && most && command == "apart") return apart(*count, *most);
  if (count && most && command == "close") return close(*count, *most);
  fmt::print(stderr, "usage: tenon_packings apart|close COUNT MOST [FILE]\n");
  return 2;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  return tenon::lessons::run(argc, argv);
}
