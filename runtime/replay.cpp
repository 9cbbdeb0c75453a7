#include "runtime/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include "runtime/fault.h"
#include "runtime/small_float.h"

namespace tenon::runtime {
namespace {

using Use = LaunchArgument::Use;

// ---- comparing

template <class Element>
double value_at(const char* bytes, int64_t i) {
  Element element;
  std::memcpy(&element, bytes + i * static_cast<int64_t>(sizeof element), sizeof element);
  return static_cast<double>(element);
}

/// Element i, rounded where it is an integer of more than 53 bits.
double value_at(DType type, const char* bytes, int64_t i) {
  switch (type) {
#define DTYPE(name, text, cpp, size, kind, npy, safetensors) \
  case DType::name: return value_at<cpp>(bytes, i);
#include "runtime/dtypes.def"
  }
  return 0;
}

double largest_of(DType type, std::string_view bytes) {
  double largest = 0;
  for (int64_t i = 0; i < static_cast<int64_t>(bytes.size()) / row(type).bytes; ++i) {
    const double magnitude = std::abs(value_at(type, bytes.data(), i));
    if (std::isfinite(magnitude)) largest = std::max(largest, magnitude);
  }
  return largest;
}

bool agrees(DType type, const char* expected, const char* found, int64_t i, double margin) {
  const int64_t at = i * row(type).bytes;
  if (std::memcmp(expected + at, found + at, static_cast<size_t>(row(type).bytes)) == 0) return true;
  if (!is_floating(type)) return false;
  const double a = value_at(type, expected, i), b = value_at(type, found, i);
  return (std::isnan(a) && std::isnan(b)) || (margin > 0 && std::abs(a - b) <= margin);
}

/// Nothing if all agrees; without a place.
std::optional<Difference> compare(DType type, std::string_view expected, std::string_view found, double tolerance) {
  if (expected == found) return {};
  const double margin = tolerance > 0 && is_floating(type) ? tolerance * largest_of(type, expected) : 0;
  Difference all{0, "", "", type, -1, 0, 0, 0, static_cast<int64_t>(expected.size()) / row(type).bytes};
  for (int64_t i = 0; i < all.of; ++i) {
    if (agrees(type, expected.data(), found.data(), i, margin)) continue;
    if (all.differing++ > 0) continue;
    all.element = i;
    all.expected = value_at(type, expected.data(), i);
    all.found = value_at(type, found.data(), i);
  }
  return all.differing > 0 ? std::optional(all) : std::nullopt;
}

// ---- doing it again

class Replay {
 public:
  Replay(const Recording& recording, Device& device, const ReplayOptions& options)
      : recording_(recording), device_(device), options_(options) {}
  ~Replay() {
    for (const auto& [buffer, there] : buffers_) device_.release(there.address);
  }

  std::vector<Difference> run() {
    if (!recording_.ptx.empty()) device_.load(recording_.ptx);
    for (const Recording::Call& call : recording_.calls) std::visit([&](const auto& c) { does(c); }, call);
    return std::move(differences_);
  }

 private:
  struct Buffer {
    DeviceAddress address;
    DType type = DType::i8;  ///< of what a kernel was last given there
  };

  DeviceAddress at(Recording::Place place) const {
    return buffers_.at(place.buffer).address + static_cast<uint64_t>(place.offset);
  }
  std::string_view data(int64_t offset, int64_t bytes) const {
    return std::string_view(recording_.data).substr(static_cast<size_t>(offset), static_cast<size_t>(bytes));
  }

  void does(const Recording::Allocate& c) { buffers_.emplace(c.buffer, Buffer{device_.allocate(c.bytes)}); }
  void does(const Recording::Release& c) {
    device_.release(buffers_.at(c.buffer).address);
    buffers_.erase(c.buffer);
  }
  void does(const Recording::CopyIn& c) {
    const std::string nothing(c.data ? 0 : static_cast<size_t>(c.bytes), '\0');
    if (c.bytes > 0) device_.copy_in(at(c.to), c.data ? data(*c.data, c.bytes).data() : nothing.data(), c.bytes);
  }
  void does(const Recording::Copy& c) {
    if (c.bytes > 0) device_.copy(at(c.to), at(c.from), c.bytes);
  }
  void does(const Recording::CopyOut& c) {
    const Buffer& buffer = buffers_.at(c.from.buffer);
    // Where only a part of an element comes back, it is bytes that are compared.
    const bool whole = c.bytes % row(buffer.type).bytes == 0;
    if (c.data) expect(at(c.from), whole ? buffer.type : DType::i8, data(*c.data, c.bytes), "");
  }

  void does(const Recording::Launch& c) {
    if (options_.before) options_.before(c);
    std::vector<LaunchArgument> arguments;
    for (const Recording::Argument& argument : c.arguments) {
      arguments.push_back(argument.value);
      if (!argument.value.tensor) continue;
      Buffer& buffer = buffers_.at(argument.buffer);
      buffer.type = argument.value.tensor->type;
      arguments.back().bits = buffer.address;
    }
    kernel_ = c.kernel;
    device_.launch(c.kernel, c.size, arguments);
    for (size_t i = 0; i < c.arguments.size(); ++i) {
      const Recording::Argument& argument = c.arguments[i];
      if (argument.data)
        expect(arguments[i].bits, argument.value.tensor->type,
               data(*argument.data, argument.value.tensor->bytes), argument.name);
    }
    ++launches_;
  }

  void expect(DeviceAddress address, DType type, std::string_view expected, const std::string& tensor) {
    if (expected.empty()) return;
    const auto bytes = static_cast<int64_t>(expected.size());
    std::string found(expected.size(), '\0');
    device_.copy_out(found.data(), address, bytes);
    std::optional<Difference> difference = compare(type, expected, found, options_.tolerance);
    if (!difference) return;
    difference->launch = tensor.empty() && launches_ > 0 ? launches_ - 1 : launches_;
    difference->kernel = kernel_;
    difference->tensor = tensor;
    differences_.push_back(std::move(*difference));
    device_.copy_in(address, expected.data(), bytes);
  }

  const Recording& recording_;
  Device& device_;
  const ReplayOptions& options_;
  std::map<int32_t, Buffer> buffers_;
  std::vector<Difference> differences_;
  std::string kernel_;
  size_t launches_ = 0;
};

}  // namespace

std::string Difference::text() const {
  const std::string where = tensor.empty() ? "what is copied back" : fmt::format("`{}`", tensor);
  return fmt::format("{}{}, {}: {} of {} elements differ; element {} ({}) is {}, and {} was recorded",
                     kernel.empty() ? "" : fmt::format("kernel {}, ", kernel), fmt::format("launch {}", launch),
                     where, differing, of, element, row(type).text, found, expected);
}

std::vector<Difference> replay(const Recording& recording, Device& device, const ReplayOptions& options) {
  return Replay(recording, device, options).run();
}

}  // namespace tenon::runtime
