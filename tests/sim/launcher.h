// What the tests of the simulator share: reading PTX of the tree, launching with three arrays of
// floats.
#pragma once
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/sim/simulator.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {

namespace sim = runtime::sim;
inline const std::filesystem::path kSimTests = root() / "tests/sim";

inline sim::Module read_ptx(const std::filesystem::path& path) {
  return sim::parse(read_file(path), path.filename().string());
}

/// The arguments of a kernel, as bytes one behind the other at their alignment.
class KernelArguments {
 public:
  template <class T>
  KernelArguments& operator<<(T value) {
    bytes_.resize((bytes_.size() + sizeof value - 1) / sizeof value * sizeof value);
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof value);
    return *this;
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

inline sim::Address upload(sim::Device& device, const std::vector<float>& values,
                           std::string name) {
  const sim::Address at = device.allocate(4 * values.size(), std::move(name));
  device.write(at, std::as_bytes(std::span(values)));
  return at;
}
inline std::vector<float> download(const sim::Device& device, sim::Address at, size_t count) {
  std::vector<float> values(count);
  device.read(at, std::as_writable_bytes(std::span(values)));
  return values;
}

/// Numbers in [-4, 4), multiples of 1/64, that look like chance.
inline std::vector<float> numbers(size_t count, uint32_t seed) {
  std::vector<float> values(count);
  for (float& value : values) {
    seed = seed * 1664525 + 1013904223;
    value = static_cast<float>(static_cast<int>(seed >> 23)) / 64 - 4;
  }
  return values;
}

inline std::string faults_text(const sim::Report& report) {
  std::string text;
  for (const sim::SimFault& fault : report.faults) text += fault.text();
  return text;
}

}  // namespace tenon::tests
