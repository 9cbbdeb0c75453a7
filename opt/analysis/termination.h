// Termination: which loops surely end.
//
// Undecidable in general (Turing 1936), so a loop is believed to end only if it counts: a parameter
// of its header goes up by 1, or down by 1, each time around, and a comparison that every round goes
// through leaves the loop at a bound that stays. Steps of 1 cannot jump over the bound by wrapping;
// larger ones could. `for` loops are of this form; of `while` loops, those that count.
#pragma once
#include <vector>

#include "ir/ir.h"

namespace tenon::opt {

class Termination {
 public:
  explicit Termination(const ir::Function& function);

  /// Whether control, once in the function, surely leaves it: calls aside.
  bool ends() const { return endless_.empty(); }
  /// The blocks that close loops which may go on for ever: every way around goes through one.
  const std::vector<ir::BlockId>& endless() const { return endless_; }

 private:
  std::vector<ir::BlockId> endless_;
};

}  // namespace tenon::opt
