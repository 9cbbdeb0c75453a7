// What a crash inside a pass leaves behind: the IR as that pass got it, and the passes that
// remained.
#pragma once
#include <string>
#include <vector>

#include "opt/pass.h"

namespace tenon::driver {

class Reproducer {
 public:
  /// `text` is the module before the first of `passes`, which run with more `options`. With
  /// `advance` the file will hold the module before the pass that crashed, else the text.
  Reproducer(std::string text, std::vector<std::string> passes, std::vector<std::string> options,
             bool advance);

  /// Which pass runs; the pass manager keeps it up to date.
  opt::Progress progress;

  /// Says which pass it is and at which function, writes tenon-bug-PID.ir and says how to run it.
  /// Calls only what a signal handler may call: all texts are there since the constructor. The
  /// passes before the one that crashed run in a process of their own, since this one's memory may
  /// be damaged.
  void leave() const;

 private:
  bool write_text() const;
  bool advance_to(size_t pass) const;

  std::string text_, path_;
  std::vector<std::string> names_;
  std::vector<std::string> done_, rest_;  ///< --passes= before each pass, and from it on
  std::string options_;                   ///< as they are typed behind --passes
  bool advance_;
};

}  // namespace tenon::driver
