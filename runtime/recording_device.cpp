#include "runtime/recording_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/file.h"

namespace tenon::runtime {

using Use = LaunchArgument::Use;

// ---- data

/// Bytes that are there already are not kept again: much is copied back as it was left.
Recording::Data RecordingDevice::kept(const void* bytes, int64_t count) {
  std::string& data = recording_.data;
  const std::string_view text(static_cast<const char*>(bytes), static_cast<size_t>(count));
  const size_t hash = std::hash<std::string_view>{}(text);
  const auto [first, last] = known_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    const auto [offset, size] = at->second;
    if (size == count && text == std::string_view(data).substr(static_cast<size_t>(offset), text.size()))
      return offset;
  }
  const auto offset = static_cast<int64_t>(data.size());
  if (count > kMaxRecordedBytes - offset)
    throw DeviceError{fmt::format("the tensors of the recording take more than {} bytes", kMaxRecordedBytes)};
  data += text;
  known_.emplace(hash, std::pair(offset, count));
  return offset;
}

Recording::Data RecordingDevice::left_at(DeviceAddress address, int64_t bytes) {
  std::vector<std::byte> there(static_cast<size_t>(bytes));
  if (bytes > 0) device_.copy_out(there.data(), address, bytes);
  return kept(there.data(), bytes);
}

Recording::Place RecordingDevice::place_of(DeviceAddress address) const {
  const auto next = buffers_.upper_bound(address);
  if (next == buffers_.begin()) throw DeviceError{"there is no memory at what the recording was given"};
  const auto& [start, buffer] = *std::prev(next);
  return {buffer, static_cast<int64_t>(address - start)};
}

// ---- calls

void RecordingDevice::load(const std::string& ptx) {
  device_.load(ptx);
  recording_.ptx = ptx;
}

DeviceAddress RecordingDevice::allocate(int64_t bytes) {
  const DeviceAddress address = device_.allocate(bytes);
  buffers_.emplace(address, next_);
  recording_.calls.push_back(Recording::Allocate{next_++, bytes});
  return address;
}

void RecordingDevice::release(DeviceAddress address) noexcept {
  device_.release(address);
  const auto found = buffers_.find(address);
  if (found == buffers_.end()) return;
  recording_.calls.push_back(Recording::Release{found->second});
  buffers_.erase(found);
}

void RecordingDevice::copy_in(DeviceAddress to, const void* from, int64_t bytes) {
  device_.copy_in(to, from, bytes);
  const Recording::Place place = place_of(to);
  const int64_t head = tensors_ == Tensors::kept ? bytes : std::min(bytes, kHeadBytes);
  recording_.calls.push_back(Recording::CopyIn{place, head, kept(from, head)});
  if (head < bytes) recording_.calls.push_back(Recording::CopyIn{{place.buffer, place.offset + head}, bytes - head, {}});
}

void RecordingDevice::copy_out(void* to, DeviceAddress from, int64_t bytes) {
  device_.copy_out(to, from, bytes);
  const bool keep = tensors_ == Tensors::kept;
  recording_.calls.push_back(Recording::CopyOut{place_of(from), bytes, keep ? kept(to, bytes) : Recording::Data()});
}

void RecordingDevice::copy(DeviceAddress to, DeviceAddress from, int64_t bytes) {
  device_.copy(to, from, bytes);
  recording_.calls.push_back(Recording::Copy{place_of(to), place_of(from), bytes});
}

void RecordingDevice::launch(const std::string& kernel, const LaunchSize& size,
                             std::span<const LaunchArgument> arguments) {
  device_.launch(kernel, size, arguments);
  Recording::Launch launch{kernel, size};
  for (const LaunchArgument& argument : arguments) {
    launch.arguments.push_back({argument});
    if (!argument.tensor) continue;
    Recording::Argument& kept = launch.arguments.back();
    kept.buffer = place_of(argument.bits).buffer;
    kept.name = argument.tensor->name;
    kept.value.bits = 0;
    kept.value.tensor->name = {};  // it may not outlive the call
  }
  look(arguments, launch);
  recording_.calls.push_back(std::move(launch));
}

/// A kernel that fails leaves no results that mean anything.
void RecordingDevice::look(std::span<const LaunchArgument> arguments, Recording::Launch& launch) {
  if (tensors_ == Tensors::left_out) return;
  bool failed = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].tensor || arguments[i].tensor->use != Use::fails) continue;
    uint32_t word = 0;
    device_.copy_out(&word, arguments[i].bits, sizeof word);
    launch.arguments[i].data = kept(&word, sizeof word);
    failed = failed || word != 0;
  }
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].tensor && arguments[i].tensor->use == Use::writes && !failed)
      launch.arguments[i].data = left_at(arguments[i].bits, arguments[i].tensor->bytes);
}

// ---- a device that does nothing

DeviceAddress IdleDevice::allocate(int64_t bytes) {
  const auto room = static_cast<DeviceAddress>(std::max<int64_t>(bytes, 1));
  return std::exchange(next_, next_ + (room + 255) / 256 * 256);
}

void IdleDevice::copy_out(void* to, DeviceAddress, int64_t bytes) {
  std::memset(to, 0, static_cast<size_t>(bytes));
}

// ---- files

void save_recording(const Recording& recording, const std::filesystem::path& prefix) {
  const auto save = [&](const char* ending, std::string_view text) {
    FileInMaking file(prefix.string() + ending);
    file.write(text.data(), text.size());
    file.commit();
  };
  save(".ptx", recording.ptx);
  save(".data", recording.data);
  save(".calls", text_of(recording));
}

}  // namespace tenon::runtime
