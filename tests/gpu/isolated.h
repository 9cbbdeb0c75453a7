// Work in a process of its own: a kernel that reads where it must not leaves a process whose GPU answers nothing
// more, and one that waits forever never gives back.
#pragma once
#include <functional>
#include <string>

namespace tenon::gpu_tests {

/// Says a line to the process that started it.
using Say = std::function<void(const std::string& line)>;

enum class Ended { by_itself, by_signal, by_time };
struct End {
  Ended how;
  int status;  ///< the exit status, or the signal's number
};

/// Calls `work` in a child process, whose status it gives, and `heard` here for each line that it says; ends it when
/// it says nothing for `patience` seconds.
End isolated(const std::function<int(const Say&)>& work, const std::function<void(const std::string&)>& heard,
             int patience);

}  // namespace tenon::gpu_tests
