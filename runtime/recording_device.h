// A device that passes on what it is asked for and writes down all of it.
#pragma once
#include <filesystem>
#include <map>
#include <unordered_map>

#include "runtime/recording.h"

namespace tenon::runtime {

/// What kernels have left is looked at after each launch. Throws what the device throws, and DeviceError where
/// the tensors of a recording take more than kMaxRecordedBytes.
class RecordingDevice : public Device {
 public:
  static constexpr int64_t kMaxRecordedBytes = int64_t{1} << 30;

  enum class Tensors : uint8_t {
    kept,
    left_out,  ///< but for the first kHeadBytes of each that is copied in, by which one tells what it is
  };
  static constexpr int64_t kHeadBytes = 4096;

  /// `gpu`: what its PTX is for, sm_80.
  RecordingDevice(Device& device, std::string_view gpu, Tensors tensors = Tensors::kept)
      : device_(device), tensors_(tensors) {
    recording_.gpu = gpu;
  }

  void load(const std::string& ptx) override;
  DeviceAddress allocate(int64_t bytes) override;
  void release(DeviceAddress address) noexcept override;
  void copy_in(DeviceAddress to, const void* from, int64_t bytes) override;
  void copy_out(void* to, DeviceAddress from, int64_t bytes) override;
  void copy(DeviceAddress to, DeviceAddress from, int64_t bytes) override;
  void launch(const std::string& kernel, const LaunchSize& size,
              std::span<const LaunchArgument> arguments) override;

  Recording& recording() { return recording_; }

 private:
  Recording::Place place_of(DeviceAddress address) const;
  Recording::Data kept(const void* bytes, int64_t count);
  Recording::Data left_at(DeviceAddress address, int64_t bytes);
  void look(std::span<const LaunchArgument> arguments, Recording::Launch& launch);

  Device& device_;
  Tensors tensors_;
  Recording recording_;
  std::map<DeviceAddress, int32_t> buffers_;
  int32_t next_ = 0;
  std::unordered_multimap<size_t, std::pair<int64_t, int64_t>> known_;  ///< by hash: offset and bytes
};

/// A device that does nothing, and gives zeros: with it, what a program asks for is recorded without the time that
/// it takes. Kernels of programs that ask for something else when they see other numbers are not for it.
class IdleDevice : public Device {
 public:
  void load(const std::string&) override {}
  DeviceAddress allocate(int64_t bytes) override;
  void release(DeviceAddress) noexcept override {}
  void copy_in(DeviceAddress, const void*, int64_t) override {}
  void copy_out(void* to, DeviceAddress from, int64_t bytes) override;
  void copy(DeviceAddress, DeviceAddress, int64_t) override {}
  void launch(const std::string&, const LaunchSize&, std::span<const LaunchArgument>) override {}

 private:
  DeviceAddress next_ = 256;
};

/// Writes PREFIX.ptx, PREFIX.data and, last, PREFIX.calls. Throws Fault cannot_write.
void save_recording(const Recording& recording, const std::filesystem::path& prefix);

}  // namespace tenon::runtime
