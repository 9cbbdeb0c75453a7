// Programs that nobody wrote: well-typed, terminating, small, and full of what optimizers
// transform.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tenon::differential {

/// The forms of forms.def and the operations of scalar_ops.def, `scalar: leaf`, `op: add`, …
std::span<const std::string_view> features();
inline constexpr size_t kMaxFeatures = 128;

struct Program {
  std::string text;
  /// Whether the default mode must give the bits of --strict: no float sum or product in it rounds.
  bool exact = true;
  std::array<uint32_t, kMaxFeatures> uses{};  ///< of each feature
};

/// The program that the bytes choose; without bytes, the smallest.
Program generate(std::span<const uint8_t> bytes);
inline Program generate(std::string_view bytes) {
  return generate({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace tenon::differential
