// at: puts a compute into the one that reads it, where a directive `at LOOP compute NAME` of the reader says so. Where
// in the reader's nest it is worked out, opt/loops/at.cpp sees to; here is decided whether it may be.
//
//   %h = compute [i: 8] { %x[i] * 2.0 } schedule f.h()
//   %y = compute [i: 6] { %h[i] + %h[i + 2] } schedule f.y("at i compute h")
// =>
//   %y = compute %h = unchecked [i: 8] { %x[i] * 2.0 } schedule f.h() in [i: 6] { … } schedule f.y("at i compute h")
//
// (`compute_at` of Ragan-Kelley et al., "Halide", PLDI 2013.) Nobody else may read the tensor, which is nowhere as a
// whole any more; and it may not fail, as some of its elements may be computed twice, others later or not at all.
// The last pass but `own`: all others see two computes.
//
// This is no rewrite that could be left out: the nest would lack what its schedule speaks of. --bisect does not count
// it.
#include "opt/tensor/at.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/ranges.h"
#include "opt/analysis/uses.h"
#include "opt/analysis/value_ranges.h"
#include "opt/gpu_schedule.h"
#include "opt/pass.h"
#include "opt/refused.h"

namespace tenon::opt {
namespace {

using namespace ir;

std::optional<User> definition_of(const Function& function, ValueId value) {
  for (uint32_t block = 0; block < function.blocks.size(); ++block) {
    const std::vector<Inst>& insts = function.blocks[block].insts;
    for (uint32_t i = 0; i < insts.size(); ++i)
      if (std::ranges::count(insts[i].results, value) != 0) return User{{block}, i};
  }
  return {};
}

const Inst& at(const Function& function, User place) { return function.block(place.block).insts[place.position]; }

bool may_fail(const Module& module, const Function& function, const Purity& purity, User place) {
  const Inst& inst = at(function, place);
  if (inst.unchecked) return false;
  const ValueRanges ranges(module, function);
  const Known known = {[&](FuncId callee) { return purity.of(callee).may_fail; },
                       [&](ValueId value) { return ranges.at(value, place.block, place.position); }};
  return !fallible_nodes(module, function, inst.get<Compute>(), known).empty();
}

/// What `print` or `%y` is, for a message.
std::string name_of(const Function& function, const Inst& inst) {
  if (inst.results.empty()) return fmt::format("`{}`", row(inst.op).text);
  return fmt::format("`%{}`", function.value(inst.results[0]).name);
}

class TakingIn {
 public:
  /// `counts`: the schedules that the machine goes by.
  TakingIn(const Module& module, Function& function, const Purity& purity, bool (*counts)(const Schedule&))
      : module_(module), function_(function), purity_(purity), counts_(counts) {}

  void run() {
    std::vector<ValueId> readers;
    for (const Block& block : function_.blocks)
      for (const Inst& inst : block.insts)
        if (inst.op == Op::compute && directive_of(inst.get<Compute>(), DirectiveKind::at_))
          readers.push_back(inst.results[0]);
    for (const ValueId reader : readers) {
      const Schedule schedule = *at(function_, *definition_of(function_, reader)).get<Compute>().schedule;
      if (!counts_(schedule)) continue;
      for (const Directive& directive : schedule)
        if (directive.kind == DirectiveKind::at_) take(reader, directive);
    }
  }

 private:
  void take(ValueId reader, const Directive& directive) {
    const auto refuse = [&](std::string_view reason) {
      throw Refused{fmt::format("`{}` is refused: {}", print(directive), reason), directive.span};
    };
    const ValueId producer = read_by(reader, directive.operand);
    if (!producer) refuse(fmt::format("no tensor `{}` is read", directive.operand));
    if (const auto obstacle = obstacle_to_taking_in(module_, function_, purity_, reader, producer)) refuse(*obstacle);
    take_in(function_, reader, producer);
  }

  ValueId read_by(ValueId reader, std::string_view name) const {
    ValueId found;
    for_each_use(function_, at(function_, *definition_of(function_, reader)), [&](ValueId used) {
      if (function_.value(used).name == name) found = used;
    });
    return found;
  }

  const Module& module_;
  Function& function_;
  const Purity& purity_;
  bool (*const counts_)(const Schedule&);
};

void take_in_told(Module& module, PassContext& context, bool (*counts)(const Schedule&)) {
  const Purity purity(module);
  for (Function& function : module.functions) {
    context.enter(function);
    TakingIn(module, function, purity, counts).run();
  }
}

}  // namespace

std::set<ValueId> told_producers(const Function& function) {
  std::set<ValueId> told;
  for (const Block& block : function.blocks)
    for (const Inst& inst : block.insts) {
      if (inst.op != Op::compute || !directive_of(inst.get<Compute>(), DirectiveKind::at_)) continue;
      for (const Directive& directive : *inst.get<Compute>().schedule)
        for_each_use(function, inst, [&](ValueId used) {
          if (directive.kind == DirectiveKind::at_ && function.value(used).name == directive.operand) told.insert(used);
        });
    }
  return told;
}

std::optional<std::string> obstacle_to_taking_in(const Module& module, const Function& function, const Purity& purity,
                                                 ValueId reader, ValueId producer) {
  const std::string name = fmt::format("`{}`", function.value(producer).name);
  const std::optional<User> place = definition_of(function, producer), user = definition_of(function, reader);
  const Inst* inst = place ? &at(function, *place) : nullptr;
  if (inst == nullptr || inst->op != Op::compute || inst->get<Compute>().extents.empty())
    return fmt::format("{} is no definition over indices, of which a part could be computed", name);
  const Compute& compute = inst->get<Compute>();
  if (inst->results.size() > 1) return fmt::format("{} is computed together with another tensor", name);
  if ((compute.schedule && !compute.schedule->empty()) || !compute.producers.empty())
    return fmt::format("{} has a schedule of its own", name);
  const Uses uses(function);
  for (const User& each : uses.of(producer))
    if (each != *user)
      return fmt::format("{} reads {}, too, which is nowhere as a whole then", name_of(function, at(function, each)),
                         name);
  if (may_fail(module, function, purity, *place))
    return fmt::format("{} may fail, and is computed in its order", name);
  return {};
}

void take_in(Function& function, ValueId reader, ValueId producer) {
  const User place = *definition_of(function, producer);
  std::vector<Inst>& insts = function.block(place.block).insts;
  Inst taken = std::move(insts[place.position]);
  insts.erase(insts.begin() + place.position);
  taken.unchecked = true;  // it is proved, maybe by more than the verifier sees
  const User user = *definition_of(function, reader);
  auto& compute = function.block(user.block).insts[user.position].get<Compute>();
  compute.producers.insert(compute.producers.begin(), std::move(taken));
}

void at(ir::Module& module, PassContext& context) {
  take_in_told(module, context, [](const ir::Schedule&) { return true; });
}

void at_on_gpu(ir::Module& module, PassContext& context) { take_in_told(module, context, is_for_gpu); }

}  // namespace tenon::opt
