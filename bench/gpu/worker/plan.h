// What Tenon does for a workload, as it was planned (plan.py): a recording without its tensors, made ready to be done
// over and over.
#pragma once
#include <map>
#include <optional>
#include <string_view>
#include <variant>

#include "bench/gpu/worker/tensors.h"
#include "runtime/recording.h"

namespace tenon::bench {

/// The inputs are on the card, each in memory of its own, which stays as it is. All else that the program asks for is
/// left: launches, copies, what the host reads back.
class Plan {
 public:
  /// Throws DeviceError, also where it cannot be done over and over.
  Plan(runtime::Recording recording, const work& work);

  void run();
  /// What the last kernel left. Throws DeviceError where a kernel has failed.
  void fetch(work& work);

 private:
  using Recording = runtime::Recording;
  using Address = runtime::DeviceAddress;

  /// In the recording's terms. An input that was copied there is kept elsewhere.
  struct Buffer {
    int64_t bytes;
    Address own = 0;  ///< 0: not wanted yet
    int input = -1;   ///< that lies there now
  };
  struct Input {
    Address address;
    int64_t bytes;
  };

  struct Launch {
    const Recording::Launch* call;
    std::vector<runtime::LaunchArgument> arguments;
  };
  struct CopyIn {
    Address to;
    std::string_view bytes;
  };
  struct CopyOut {
    Address from;
    int64_t bytes;
  };
  struct Copy {
    Address to, from;
    int64_t bytes;
  };

  void add(const Recording::Allocate& call, const work& work);
  void add(const Recording::Release&, const work&) {}
  void add(const Recording::CopyIn& call, const work& work);
  void add(const Recording::CopyOut& call, const work& work);
  void add(const Recording::Copy& call, const work& work);
  void add(const Recording::Launch& call, const work& work);

  bool is_input(const Recording::CopyIn& call, const work& work);
  Address to_read(Recording::Place place);
  Address to_read_all(const Recording::Argument& argument);
  Address to_write(Recording::Place place);

  Recording recording_;
  Buffers memory_ = {};
  std::map<int32_t, Buffer> buffers_ = {};
  std::map<int, Input> inputs_ = {};
  std::vector<std::variant<Launch, CopyIn, CopyOut, Copy>> steps_ = {};
  std::vector<Address> failures_ = {};                  ///< the words that tell of them
  std::optional<runtime::LaunchArgument> result_ = {};  ///< what the last kernel leaves
};

}  // namespace tenon::bench
