#include "opt/loops/choose.h"

namespace tenon::opt::loops {

/// The first kind whose schedule the nest allows. What a directive refuses (a padded read in lanes, say)
/// leaves the nest to the next kind.
Scheduled choose(Kernel kernel, const Machine& machine, Mode mode) {
  if (kernel.may_fail || kernel.loops.empty()) return {std::move(kernel), {}};
  for (const auto kind : {choose_product, choose_rows}) {
    try {
      ir::Schedule schedule = kind(kernel, machine, mode);
      if (schedule.empty()) continue;
      Kernel changed = kernel;
      apply_schedule(changed, schedule, mode);
      return {std::move(changed), std::move(schedule)};
    } catch (const Refused&) {
    }
  }
  return {std::move(kernel), {}};
}

}  // namespace tenon::opt::loops
