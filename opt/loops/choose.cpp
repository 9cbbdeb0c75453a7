#include "opt/loops/choose.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "ir/straight.h"
#include "opt/gpu_schedule.h"
#include "opt/loops/access.h"
#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

constexpr double kCachedBytes = 32e6;     ///< of the last cache, or of one processor's share of it
constexpr double kFewBytes = 8e6;         ///< in any case they stay in it
constexpr double kParallelWork = 2e5;  ///< turns of the innermost loops, all together

}  // namespace

bool suits_lanes(const std::optional<Strides>& strides, LoopId loop) {
  if (!strides) return false;
  const auto step = strides->find(loop);
  return step == strides->end() || (step->second >= 1 && step->second <= kWidestStep);
}

double bytes_of(const ir::Type& type) {
  double bytes = static_cast<double>(runtime::row(type.dtype).bytes);
  for (const int64_t extent : type.shape) bytes *= static_cast<double>(extent);
  return bytes;
}

bool writes_much(const Kernel& kernel) {
  double all = 0, written = 0;
  for (size_t b = 0; b < kernel.buffers.size(); ++b) {
    const double bytes = bytes_of(kernel.buffers[b].type);
    all += bytes;
    if (b >= kernel.buffer_values.size()) written += bytes;
  }
  return all >= kCachedBytes && written >= kFewBytes;
}

bool is_worth_threads(const Kernel& kernel) {
  return std::ranges::any_of(sites_of(kernel.body), [](const Site& site) {
    double turns = 1;
    for (const For* loop : site.loops) turns *= static_cast<double>(turns_of(*loop).value_or(1));
    return turns >= kParallelWork;
  });
}

std::string FreshNames::fresh(const std::string& hint) {
  std::string name = fresh_name(kernel_, hint);
  while (std::ranges::count(taken_, name) != 0) name += "2";
  taken_.push_back(name);
  return name;
}

Scheduled first_allowed(Kernel kernel, std::span<const Kind> kinds, Mode mode) {
  std::vector<std::string> given_up;
  for (const Kind& kind : kinds) {
    try {
      ir::Schedule schedule = kind.schedule();
      if (schedule.empty()) continue;
      Kernel changed = kernel;
      apply_schedule(changed, schedule, mode);
      return {std::move(changed), std::move(schedule), {}, std::move(given_up)};
    } catch (const Refused& refused) {
      given_up.push_back(fmt::format("not as {}: {}", kind.name, refused.reason));
    }
  }
  return {std::move(kernel), {}, {}, std::move(given_up)};
}

Scheduled choose(Kernel kernel, const Machine& machine, Mode mode) {
  if (kernel.may_fail || kernel.loops.empty()) return {std::move(kernel), {}};
  const auto product = [&](const Kernel& nest) { return choose_product(nest, machine, mode); };
  const Kind kinds[] = {{"a product in a branch", [&] { return choose_speculated(kernel, mode, product); }},
                        {"a product", [&] { return product(kernel); }},
                        {"a stencil", [&] { return choose_stencil(kernel, machine, mode); }},
                        {"a transpose", [&] { return choose_transpose(kernel, machine, mode); }},
                        {"rows", [&] { return choose_rows(kernel, machine, mode); }}};
  return first_allowed(kernel, kinds, mode);
}

namespace {

/// What a compute's nest is told; null: nothing.
const ir::Schedule* told(const ir::Module& module, const ir::Inst& inst) {
  if (const auto found = module.schedules.find(inst.path); found != module.schedules.end())
    return &found->second;
  const auto& own = inst.get<ir::Compute>().schedule;
  return own ? &*own : nullptr;
}

Scheduled schedule_nest(const ir::Module& module, const ir::Inst& inst, Kernel kernel,
                        const Machine& machine, Mode mode, bool chooses) {
  Scheduled made{std::move(kernel), {}};
  const ir::Schedule* schedule = told(module, inst);
  if (schedule != nullptr && (!mode.gpu || is_for_gpu(*schedule))) {
    apply_schedule(made.kernel, *schedule, mode);
    made.schedule = *schedule;
  } else if (mode.gpu) {
    made = choose_gpu(std::move(made.kernel), mode);
  } else if (chooses) {
    made = choose(std::move(made.kernel), machine, mode);
  }
  made.path = inst.path;
  return made;
}

}  // namespace

namespace {

/// Whether functions that could be called in lanes are not: then nothing is won by their being calls.
bool calls_one_by_one(const Kernel& kernel) {
  int in_lanes = 0, alone = 0;
  const std::function<void(const Block&, bool)> look = [&](const Block& block, bool vectorized) {
    for (const Stmt& stmt : block) {
      const auto* call = std::get_if<CallInto>(&stmt.node);
      if (call != nullptr && call->in_lanes) ++(vectorized ? in_lanes : alone);
      const auto* loop = std::get_if<For>(&stmt.node);
      const bool inside = vectorized || (loop != nullptr && loop->kind == LoopKind::vectorized);
      for_each_block(stmt, [&](const Block& inner) { look(inner, inside); });
    }
  };
  look(kernel.body, false);
  return alone > 0 && in_lanes == 0;
}

}  // namespace

std::vector<Scheduled> lower_all(const ir::Module& module, const Machine& machine, Mode mode,
                                 bool chooses) {
  std::vector<Scheduled> all;
  const std::set<ir::FuncId> shared = mode.gpu ? std::set<ir::FuncId>() : ir::shared_callees(module);
  for (const ir::Function& function : module.functions) {
    int number = 0;
    for (const ir::Block& block : function.blocks) {
      for (const ir::Inst& inst : block.insts) {
        if (inst.op != ir::Op::compute) continue;
        const std::string name = fmt::format("{}.{}", function.name, number++);
        const auto made = [&](const std::set<ir::FuncId>& calls) {
          return schedule_nest(module, inst, lower(module, function, inst, name, calls), machine, mode, chooses);
        };
        Scheduled scheduled = made(shared);
        if (calls_one_by_one(scheduled.kernel)) scheduled = made({});
        all.push_back(std::move(scheduled));
      }
    }
  }
  return all;
}

std::vector<Refused> refusals(const ir::Module& module, Mode mode) {
  std::vector<Refused> refused;
  for (const ir::Function& function : module.functions)
    for (const ir::Block& block : function.blocks)
      for (const ir::Inst& inst : block.insts) {
        const ir::Schedule* schedule = inst.op == ir::Op::compute ? told(module, inst) : nullptr;
        if (schedule == nullptr || (mode.gpu && !is_for_gpu(*schedule))) continue;
        try {
          schedule_nest(module, inst, lower(module, function, inst, function.name), {}, mode, false);
        } catch (Refused& each) {
          refused.push_back(std::move(each));
        }
      }
  return refused;
}

}  // namespace tenon::opt::loops
