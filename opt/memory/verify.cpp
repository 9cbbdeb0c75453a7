#include "opt/memory/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/dominators.h"
#include "opt/analysis/liveness.h"
#include "opt/memory/in_place.h"
#include "opt/memory/lifetimes.h"

namespace tenon::opt::memory {
namespace {

using namespace ir;
using ir::loops::Kernel;

/// Memory that one function knows: of its frame, its stack, or its results.
struct Region {
  Home home;
  int64_t first, end;
  bool overlaps(const Region& other) const {
    return home == other.home && home != Home::runtime && first < other.end && other.first < end;
  }
};

class Verifier {
 public:
  Verifier(const Module& module, FuncId id, std::span<const Kernel> kernels, size_t first_kernel,
           const MemoryPlan& plan, std::vector<std::string>& wrong)
      : module_(module),
        function_(module.function(id)),
        kernels_(kernels),
        kernel_(first_kernel),
        whole_(plan),
        plan_(plan.of(id)),
        wrong_(wrong) {}

  void run() {
    for (uint32_t v = 0; v < function_.values.size(); ++v)
      if (is_tensor({v}) && plan_.places[v].home == Home::frame &&
          (region({v}).first < 0 || region({v}).end > plan_.frame_bytes ||
           region({v}).first % kAlignment != 0))
        say("%{} does not lie in the frame", name({v}));
    const Liveness liveness(function_, [&](ValueId value) { return is_tensor(value); });
    for (const Block& block : function_.blocks) {
      check_edges(block);
      check(block, liveness);
    }
  }

 private:
  bool is_tensor(ValueId value) const { return !module_.type(function_, value).is_scalar(); }
  const std::string& name(ValueId value) const { return function_.value(value).name; }
  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    wrong_.push_back(fmt::format("@{}: {}", function_.name,
                                 fmt::format(format, std::forward<Args>(args)...)));
  }

  Region region(ValueId value) const {
    const auto [home, at] = plan_.places[value.index];
    const Type& type = module_.type(function_, value);
    const int64_t bytes = std::max<int64_t>(
        runtime::byte_count(type.dtype, type.shape).value_or(INT64_MAX / 2), 1);
    return {home, at, at + (home == Home::frame ? bytes : 1)};
  }

  void check_edges(const Block& block) {
    for (const Edge& edge : successors(block)) {
      const std::vector<ValueId>& params = function_.block(edge.target).params;
      for (size_t p = 0; p < params.size(); ++p)
        if (is_tensor(params[p]) &&
            plan_.places[params[p].index] != plan_.places[edge.args[p].index])
          say("%{} and %{}, which it is passed as, lie apart", name(edge.args[p]), name(params[p]));
    }
  }

  void check(const Block& block, const Liveness& liveness) {
    std::set<ValueId> live;
    for (const Edge& edge : successors(block))
      for (ValueId value : liveness.at_start(edge.target)) live.insert(value);
    size_t kernel = kernel_ += static_cast<size_t>(
                        std::ranges::count(block.insts, Op::compute, &Inst::op));
    for (auto inst = block.insts.rbegin(); inst != block.insts.rend(); ++inst) {
      if (is_about_owners(*inst)) continue;
      if (inst->op == Op::compute) --kernel;
      std::set<ValueId> used;
      for_each_use(function_, *inst, [&](ValueId value) {
        if (is_tensor(value)) used.insert(value);
      });
      for (ValueId result : inst->results) {
        live.erase(result);
        if (is_tensor(result)) check_made(*inst, result, live, used, kernel);
      }
      if (inst->op == Op::call) check_callee(*inst, live, used);
      live.insert(used.begin(), used.end());
    }
  }

  // [snippet made]
  /// What is written at an instruction must not lie where anything is that is needed then.
  void check_made(const Inst& inst, ValueId result, const std::set<ValueId>& live,
                  const std::set<ValueId>& used, size_t kernel) {
    const Region here = region(result);
    if (inst.op == Op::update && plan_.places[result.index] != plan_.places[inst.args[0].index])
      say("%{} moves as it is updated", name(inst.args[0]));
    const auto conflicts = [&](ValueId other) {
      if (other != result && region(other).overlaps(here))
        say("%{} is overwritten by %{}", name(other), name(result));
    };
    for (ValueId other : live) conflicts(other);
    for (ValueId other : inst.results)
      if (is_tensor(other)) conflicts(other);
    for (ValueId other : used) {
      if (live.contains(other) || (inst.op == Op::update && other == inst.args[0])) continue;
      if (inst.op == Op::compute && plan_.places[other.index] == plan_.places[result.index] &&
          may_be_overwritten(inst, other, result, kernel))
        continue;
      conflicts(other);
    }
  }
  // [end]

  bool may_be_overwritten(const Inst& inst, ValueId from, ValueId result, size_t kernel) const {
    const Kernel& nest = kernels_[kernel];
    const auto input = std::ranges::find(nest.buffer_values, from) - nest.buffer_values.begin();
    const auto output = static_cast<std::ptrdiff_t>(nest.buffer_values.size()) +
                        (std::ranges::find(inst.results, result) - inst.results.begin());
    const auto known = [&](const MemoryPlan::InPlace& pair) {
      return pair.input == input && pair.output == output;
    };
    return std::ranges::any_of(whole_.in_place(kernel), known) &&
           may_share(nest, static_cast<uint32_t>(input), static_cast<uint32_t>(output));
  }

  void check_callee(const Inst& call, const std::set<ValueId>& live, const std::set<ValueId>& used) {
    const FuncId callee = call.get<FuncId>();
    const int64_t bytes = whole_.of(callee).frame_bytes;
    if (bytes == 0) return;
    const auto found = plan_.callee_frames.find(&call);
    if (found == plan_.callee_frames.end() || found->second + bytes > plan_.frame_bytes)
      return say("@{} has no frame", module_.function(callee).name);
    const Region frame{Home::frame, found->second, found->second + bytes};
    const auto conflicts = [&](ValueId other) {
      if (is_tensor(other) && region(other).overlaps(frame))
        say("%{} lies in the frame of @{}", name(other), module_.function(callee).name);
    };
    std::ranges::for_each(live, conflicts);
    std::ranges::for_each(used, conflicts);
    std::ranges::for_each(call.results, conflicts);
  }

  const Module& module_;
  const Function& function_;
  std::span<const Kernel> kernels_;
  size_t kernel_;  ///< behind those of the blocks before
  const MemoryPlan& whole_;
  const FunctionPlan& plan_;
  std::vector<std::string>& wrong_;
};

}  // namespace

std::vector<std::string> verify(const Module& module, std::span<const Kernel> kernels,
                                const MemoryPlan& plan) {
  std::vector<std::string> wrong;
  size_t kernel = 0;
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    Verifier(module, {f}, kernels, kernel, plan, wrong).run();
    for (const Block& block : module.functions[f].blocks)
      kernel += static_cast<size_t>(std::ranges::count(block.insts, Op::compute, &Inst::op));
  }
  return wrong;
}

}  // namespace tenon::opt::memory
