// What a program asks of a GPU, call by call, with what it gives and what comes back. A recording is made where
// the program runs (recording_device.h) and done again where another GPU is (replay.h): without the program,
// its compiler, or the machine code of its host part.
//
// Three files hold it. NAME.ptx has the kernels, NAME.data the bytes of tensors, NAME.calls one call a line:
//
//   tenon recording 2
//   gpu sm_80
//   allocate 0 1024                    buffer 0, so many bytes
//   copy_in 0 0 24 @0                  to a place in a buffer, bytes, where they are in NAME.data
//   launch main_0 1 256 0              blocks, threads, bytes of shared memory; a line for each parameter, in order:
//     reads x 0 f32 24                 the kernel's name for it, a buffer, what its elements are, bytes
//     writes y 1 f32 24 @24            and what the kernel leaves there
//     fails failed 2 i32 4 @48         the word that tells of a failure
//     value 8 1f                       bytes, the number in base 16
//     counts 12 l1tex__…sum            what the simulated GPU counted in it
//   copy_out 1 0 24 @24
//   copy 1 0 0 8 16                    to a place in a buffer, from a place in one, bytes
//   release 1
//
// `-` in the place of `@24` says that nobody has looked at what is there.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/device.h"

namespace tenon::runtime {

struct Recording {
  using Data = std::optional<int64_t>;  ///< an offset into `data`
  struct Place {
    int32_t buffer;
    int64_t offset;  ///< in bytes
  };

  struct Allocate {
    int32_t buffer;  ///< numbers count up from 0
    int64_t bytes;
  };
  struct Release {
    int32_t buffer;
  };
  struct CopyIn {
    Place to;
    int64_t bytes;
    Data data;
  };
  struct CopyOut {
    Place from;
    int64_t bytes;
    Data data;
  };
  struct Copy {
    Place to, from;
    int64_t bytes;
  };
  struct Argument {
    LaunchArgument value;  ///< without an address and a name if there is a tensor
    int32_t buffer = -1;   ///< of a tensor, which begins where the buffer does
    std::string name = {};
    Data data = {};
  };
  struct Count {
    std::string counter;  ///< as Nsight Compute calls it
    uint64_t value;
  };
  struct Launch {
    std::string kernel;
    LaunchSize size;
    std::vector<Argument> arguments = {};
    std::vector<Count> counts = {};
  };
  using Call = std::variant<Allocate, Release, CopyIn, CopyOut, Copy, Launch>;

  std::string gpu;  ///< that the PTX is for: sm_80
  std::string ptx;
  std::vector<Call> calls;
  std::string data;
};

/// A recording that is none; `line` of the calls, from 1.
struct RecordingError {
  int line;
  std::string reason;
};

/// The text of its calls.
std::string text_of(const Recording& recording);

/// From the texts of its files. What can be replayed without a look at its numbers comes back: buffers are there
/// when they are used, and places lie inside of them. Throws RecordingError.
Recording parse_recording(std::string_view calls, std::string ptx, std::string data);

}  // namespace tenon::runtime
