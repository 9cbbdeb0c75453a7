// What a device is asked for, written down, read back, and done again.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "runtime/recording_device.h"
#include "runtime/replay.h"
#include "tests/unit/fake_device.h"

namespace tenon::tests {
namespace {

using namespace runtime;
using Use = LaunchArgument::Use;

LaunchArgument floats(DeviceAddress address, Use use) {
  return {address, 8, {{use, DType::f32, 16, use == Use::reads ? "x" : "y"}}};
}

/// Two launches of the kernel that adds 1, a copy, and the result taken back.
Recording recorded(RecordingDevice::Tensors tensors = RecordingDevice::Tensors::kept) {
  FakeDevice device;
  RecordingDevice recorder(device, "sm_80", tensors);
  recorder.load("// kernels");
  const float numbers[] = {1, 2, 3, 4};
  const DeviceAddress a = recorder.allocate(256), b = recorder.allocate(256), c = recorder.allocate(256);
  recorder.copy_in(a, numbers, sizeof numbers);
  const std::vector<LaunchArgument> first{floats(a, Use::reads), floats(b, Use::writes), {0xff, 4}};
  recorder.launch("adds", {1, 4}, first);
  const std::vector<LaunchArgument> second{floats(b, Use::reads), floats(c, Use::writes)};
  recorder.launch("adds", {1, 4}, second);
  recorder.copy(a + 4, c, 8);
  float result[4];
  recorder.copy_out(result, c, sizeof result);
  for (const DeviceAddress address : {a, b, c}) recorder.release(address);
  CHECK(result[3] == 6);
  return recorder.recording();
}

Recording::Launch& launch(Recording& recording, int number) {
  for (Recording::Call& call : recording.calls)
    if (auto* found = std::get_if<Recording::Launch>(&call); found != nullptr && number-- == 0) return *found;
  throw std::out_of_range("no such launch");
}

void set_float(Recording& recording, int64_t at, float value) {
  std::memcpy(recording.data.data() + at, &value, sizeof value);
}

TEST_CASE("the text of a recording reads back") {
  const Recording recording = recorded();
  const std::string text = text_of(recording);
  CHECK(text == R"(tenon recording 2
gpu sm_80
allocate 0 256
allocate 1 256
allocate 2 256
copy_in 0 0 16 @0
launch adds 1 4 0
  reads x 0 f32 16
  writes y 1 f32 16 @16
  value 4 ff
launch adds 1 4 0
  reads x 1 f32 16
  writes y 2 f32 16 @32
copy 0 4 2 0 8
copy_out 2 0 16 @32
release 0
release 1
release 2
)");
  CHECK(text_of(parse_recording(text, recording.ptx, recording.data)) == text);
  CHECK(recording.data.size() == 48);  // what comes back is what the kernel left
}

TEST_CASE("without tensors nothing is said of what is there, but how what comes in begins") {
  const Recording recording = recorded(RecordingDevice::Tensors::left_out);
  CHECK(recording.data.size() == 16);
  const std::string text = text_of(recording);
  CHECK(text.find("copy_in 0 0 16 @0\n") != std::string::npos);
  CHECK(text.find('@') == text.rfind('@'));

  FakeDevice device;
  RecordingDevice recorder(device, "sm_80", RecordingDevice::Tensors::left_out);
  const std::string many(5000, 'a');
  recorder.copy_in(recorder.allocate(5000), many.data(), 5000);
  CHECK(recorder.recording().data == many.substr(0, 4096));
  CHECK(text_of(recorder.recording()) ==
        "tenon recording 2\ngpu sm_80\nallocate 0 5000\ncopy_in 0 0 4096 @0\ncopy_in 0 4096 904 -\n");
}

TEST_CASE("what the device does again is compared") {
  FakeDevice device;
  CHECK(replay(recorded(), device).empty());
  CHECK(device.memory.empty());
}

TEST_CASE("each kernel is judged by itself") {
  Recording recording = recorded();
  set_float(recording, *launch(recording, 0).arguments[1].data + 8, 7);  // 4 is right
  FakeDevice device;
  const std::vector<Difference> differences = replay(recording, device);
  REQUIRE(differences.size() == 2);  // the second kernel adds to what was recorded of the first
  CHECK(differences[0].kernel == "adds");
  CHECK(differences[0].launch == 0);
  CHECK(differences[0].tensor == "y");
  CHECK(differences[0].element == 2);
  CHECK(differences[0].expected == 7);
  CHECK(differences[0].found == 4);
  CHECK(differences[1].found == 8);
  CHECK(differences[0].text() ==
        "kernel adds, launch 0, `y`: 1 of 4 elements differ; element 2 (f32) is 4, and 7 was recorded");
}

TEST_CASE("a tolerance is relative to the largest number, and for floats alone") {
  Recording recording = recorded();
  const int64_t at = *launch(recording, 1).arguments[1].data;
  set_float(recording, at, 3.05F);  // 3 is right, the largest is 6
  FakeDevice device;
  CHECK(replay(recording, device, {0.01}).empty());
  CHECK(replay(recording, device, {0.001}).size() == 1);
  launch(recording, 1).arguments[1].value.tensor->type = DType::i32;
  CHECK_FALSE(replay(recording, device, {0.01}).empty());
}

TEST_CASE("one NaN is as good as another, and no number") {
  Recording recording = recorded();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::get<Recording::CopyIn>(recording.calls[3]).data = 0;
  set_float(recording, 0, nan);
  const int64_t first = *launch(recording, 0).arguments[1].data, second = *launch(recording, 1).arguments[1].data;
  set_float(recording, first, -nan);
  set_float(recording, second, nan);
  FakeDevice device;
  CHECK(replay(recording, device).empty());
  set_float(recording, second, 1);
  CHECK(replay(recording, device).size() == 1);
}

TEST_CASE("what a kernel that fails leaves is not expected") {
  FakeDevice device;
  RecordingDevice recorder(device, "sm_80");
  const DeviceAddress a = recorder.allocate(16), b = recorder.allocate(16), word = recorder.allocate(4);
  const uint32_t none = 0;
  recorder.copy_in(word, &none, sizeof none);
  const std::vector<LaunchArgument> arguments{floats(a, Use::reads), floats(b, Use::writes),
                                              {word, 8, {{Use::fails, DType::i32, 4, "failed"}}}};
  recorder.launch("fails", {1, 4}, arguments);
  const std::string text = text_of(recorder.recording());
  CHECK(text.find("  writes y 1 f32 16 -\n") != std::string::npos);
  CHECK(text.find("  fails failed 2 i32 4 @4\n") != std::string::npos);
}

TEST_CASE("what is allocated is given back where the device fails") {
  Recording recording = recorded();
  launch(recording, 1).kernel = "broken";
  FakeDevice device;
  CHECK_THROWS_AS(replay(recording, device), DeviceError);
  CHECK(device.memory.empty());
}

TEST_CASE("recordings that are none are refused at their line") {
  const std::string head = "tenon recording 2\ngpu sm_80\n";
  const auto refused = [&](const std::string& text, int line, const std::string& reason) {
    CAPTURE(text);
    try {
      parse_recording(text, "", std::string(16, '\0'));
      FAIL("it is taken");
    } catch (const RecordingError& error) {
      CHECK(error.line == line);
      CHECK(error.reason == reason);
    }
  };
  refused("", 0, "it ends before it says which GPU it is for");
  refused("tenon recording 3\n", 1, "a recording begins with `tenon recording 2`");
  refused("tenon recording 2\nallocate 0 4\n", 2, "the second line says which GPU it is for: gpu sm_80");
  refused(head + "\n", 3, "the line is empty");
  refused(head + "free 0\n", 3, "there is no call `free`");
  refused(head + "allocate 1 4\n", 3, "buffers are numbered from 0 up");
  refused(head + "allocate 0 -4\n", 3, "`-4` is no number that can stand here");
  refused(head + "allocate 0 99999999999999999999\n", 3, "`99999999999999999999` is no number that can stand here");
  refused(head + "allocate 0\n", 3, "`allocate` has 3 words, not 2");
  refused(head + "release 0\n", 3, "there is no buffer 0 here");
  refused(head + "allocate 0 8\nrelease 0\ncopy_in 0 0 8 @0\n", 5, "there is no buffer 0 here");
  refused(head + "allocate 0 8\ncopy_in 0 4 8 @0\n", 4, "buffer 0 has 8 bytes, not 8 behind the first 4");
  refused(head + "allocate 0 64\ncopy_out 0 0 32 @0\n", 4, "there are only 16 bytes of data");
  refused(head + "allocate 0 8\ncopy_in 0 0 8 0\n", 4, "what lies there is written @OFFSET, or -");
  refused(head + "allocate 0 8\nreads x 0 f32 8\n", 4, "this belongs to a launch, and there is none above");
  refused(head + "allocate 0 8\nlaunch k 1 1 0\nreads x 0 f31 8\n", 5, "there is no type `f31`");
  refused(head + "allocate 0 8\nlaunch k 1 1 0\nreads x 0 f32 6\n", 5, "an element of f32 has 4 bytes");
  refused(head + "allocate 0 8\nlaunch k 1 1 0\nfails failed 0 i32 8 -\n", 5, "the word that tells of a failure has 4 bytes");
  refused(head + "launch k 1 4294967296 0\n", 3, "`4294967296` is no number that can stand here");
  refused(head + "launch k 1 1 0\nvalue 9 0\n", 4, "a value has 1 to 8 bytes");
}

}  // namespace
}  // namespace tenon::tests
