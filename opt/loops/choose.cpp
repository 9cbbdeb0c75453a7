#include "opt/loops/choose.h"

#include <fmt/format.h>

#include <algorithm>

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

namespace {

bool names_gpu(const ir::Schedule& schedule) {
  return std::ranges::any_of(schedule, [](const Directive& directive) {
    return row(directive.kind).target == ast::typed::DirectiveTarget::gpu;
  });
}

}  // namespace

/// On a GPU a schedule counts that says what goes to its blocks and threads.
std::vector<Scheduled> lower_all(const ir::Module& module, const Machine& machine, Mode mode,
                                 bool chooses) {
  std::vector<Scheduled> all;
  for (const ir::Function& function : module.functions) {
    int number = 0;
    for (const ir::Block& block : function.blocks) {
      for (const ir::Inst& inst : block.insts) {
        if (inst.op != ir::Op::compute) continue;
        const auto& own = inst.get<ir::Compute>().schedule;
        Scheduled made{lower(module, function, inst, fmt::format("{}.{}", function.name, number++)), {}};
        if (own && (!mode.gpu || names_gpu(*own))) {
          apply_schedule(made.kernel, *own, mode);
          made.schedule = *own;
        } else if (mode.gpu) {
          made = choose_gpu(std::move(made.kernel), mode);
        } else if (chooses) {
          made = choose(std::move(made.kernel), machine, mode);
        }
        made.path = inst.path;
        all.push_back(std::move(made));
      }
    }
  }
  return all;
}

}  // namespace tenon::opt::loops
