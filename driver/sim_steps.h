// What the warps of a simulated launch did, instruction by instruction, as text or drawn.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/sim/simulator.h"

namespace tenon::driver {

class Steps {
 public:
  /// `ptx` is the text that was launched: its lines stand beside the steps.
  explicit Steps(std::string_view ptx);

  /// Throws UsageError when there are more than anyone reads.
  void add(const runtime::sim::Step& step);

  /// A line for each step. A lane is `#` if it takes part, `-` if it is here but its predicate does
  /// not hold, `.` if it is elsewhere.
  std::string text() const;
  /// The same: rows are steps, columns are lanes.
  std::string svg() const;

 private:
  std::string instruction(const runtime::sim::Step& step) const;

  std::vector<std::string> lines_;  ///< of the PTX
  std::vector<runtime::sim::Step> steps_;
};

}  // namespace tenon::driver
