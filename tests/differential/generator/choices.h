// A string of bytes as a source of choices.
//
// Every choice eats a byte or two, and a small byte means an early row of a table, where the simple
// things stand; when the bytes have run out, everything is the first choice. So a shorter string,
// or one with smaller bytes, is a simpler program, and whoever can shorten strings can reduce
// programs: a generator driven like this needs no reducer of its own (D. MacIver, A. Donaldson,
// "Test-Case Reduction via Test-Case Generation", ECOOP 2020), and libFuzzer can drive it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace tenon::differential {

class Choices {
 public:
  explicit Choices(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool exhausted() const { return at_ >= bytes_.size(); }

  /// 0 … n - 1; n is at least 1. Nothing is eaten where there is no choice.
  size_t below(size_t n) {
    if (n < 2) return 0;
    if (n <= 256) return byte() * n / 256;
    const size_t high = byte();
    return (high * 256 + byte()) * n / 65536;
  }
  /// Holds `parts` times in 256; never without bytes.
  bool chance(size_t parts) { return byte() >= 256 - parts; }

  template <class Items>
  const auto& among(const Items& items) {
    return std::data(items)[below(std::size(items))];
  }
  /// The row whose stretch of the weights' sum is hit.
  template <class Rows, class Weight>
  const auto& weighted(const Rows& rows, const Weight& weight) {
    size_t total = 0;
    for (const auto& row : rows) total += weight(row);
    size_t left = below(total);
    for (const auto& row : rows) {
      if (left < weight(row)) return row;
      left -= weight(row);
    }
    return *std::begin(rows);  // all weights are 0
  }

 private:
  size_t byte() { return exhausted() ? 0 : bytes_[at_++]; }

  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

/// SplitMix64 (G. Steele, D. Lea, C. Flood, 2014): small, and the same everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t operator()() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

/// The bytes that stand for a seed: of many lengths, so that there are small programs and large
/// ones.
inline std::string bytes_of(uint64_t seed) {
  Random random(seed);
  const uint64_t length = random() % 20;
  std::string bytes(40 + length * length, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

}  // namespace tenon::differential
