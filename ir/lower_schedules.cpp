// Schedules find the computes that they are for, along the path of definitions and calls that they name:
// `main.logits.y` is the definition `y` in what `main`'s definition `logits` calls. A function that a
// schedule goes through on its way is lowered once more, for the calls that it came by.
#include <algorithm>

#include "ir/lowering.h"
#include "ir/operands.h"

namespace tenon::ir {

/// The definition, with the schedules that are for it or for what it calls. Of two for itself the one
/// with the longer path counts, and one from outside the program before the program's own.
FunctionLowering::Definition FunctionLowering::definition(const typed::Define& node) const {
  const std::string& name = source_.vars[node.var].name;
  if (name.empty()) return nameless_definition(node);
  Definition found{&node.value, fmt::format("{}.{}", instance_.path, name)};
  if (node.schedule) {
    shared_.met.insert(&*node.schedule);
    if (node.schedule->path.empty()) found.schedule = &*node.schedule;
    else found.inner.push_back({{&*node.schedule, 1}, &node.schedule->path[0].text});
  }
  const auto meet = [&](Pending pending) {
    const std::vector<ast::Name>& path = pending.schedule->path;
    if (pending.gone >= path.size() || path[pending.gone].text != name) return;
    if (pending.gone + 1 < path.size())
      return found.inner.push_back({{pending.schedule, pending.gone + 1}, nullptr});
    if (found.schedule != nullptr) shared_.placed.insert(found.schedule);  // another takes its place
    found.schedule = pending.schedule;
  };
  for (const typed::PlacedSchedule& schedule : shared_.program.schedules)
    if (!schedule.path.empty() && schedule.path[0].text == source_.name) meet({&schedule, 1});
  for (const Pending& pending : instance_.pending) meet(pending);
  return found;
}

/// A tuple that is taken apart has no name, and so no word in a path: what leads to it leads through it.
FunctionLowering::Definition FunctionLowering::nameless_definition(const typed::Define& node) const {
  Definition found{&node.value, instance_.path};
  for (const typed::PlacedSchedule& schedule : shared_.program.schedules)
    if (!schedule.path.empty() && schedule.path[0].text == source_.name)
      found.inner.push_back({{&schedule, 1}, nullptr});
  for (const Pending& pending : instance_.pending) found.inner.push_back({pending, nullptr});
  return found;
}

/// A call in a `return`, say: it is part of the definition that schedules come by.
FunctionLowering::Definition FunctionLowering::no_definition() const {
  if (instance_.pending.empty()) return {};
  Definition found{nullptr, instance_.path};
  for (const Pending& pending : instance_.pending) found.inner.push_back({pending, nullptr});
  return found;
}

void FunctionLowering::add_schedule(const TypedExpr& expr, Compute& compute) {
  if (&expr != definition_.value || definition_.schedule == nullptr) return;
  shared_.placed.insert(definition_.schedule);
  compute.schedule = definition_.schedule->directives;
  resolve_operands(out_, compute);
  keep_index_names(out_.exprs, compute);
  keep_producers(*compute.schedule);
}

/// What the schedule computes itself keeps a nest of its own till then, as any definition with a schedule does.
void FunctionLowering::keep_producers(const Schedule& schedule) {
  const auto is_named = [&](const Inst& inst) {
    return inst.result() && std::ranges::any_of(schedule, [&](const Directive& directive) {
      return directive.kind == DirectiveKind::at_ && directive.operand == out_.value(inst.result()).name;
    });
  };
  for (Block& block : out_.blocks)
    for (Inst& inst : block.insts) {
      if (inst.op != Op::compute || inst.get<Compute>().schedule || !is_named(inst)) continue;
      inst.get<Compute>().schedule.emplace();
      keep_index_names(out_.exprs, inst.get<Compute>());
    }
}

ValueId FunctionLowering::emit_compute(Compute compute, const TypedExpr& expr, std::string_view hint) {
  add_schedule(expr, compute);
  const ValueId result = emit(Op::compute, type_of(expr), {}, std::move(compute), expr.span, hint);
  out_.block(block_).insts.back().path = path_of(expr);
  return result;
}

/// The function to call: a copy of its own if schedules go through the call.
FuncId FunctionLowering::instance_of(const typed::Function& callee) {
  Instance instance{&callee, definition_.path};
  for (const auto& [pending, name] : definition_.inner)
    if (name == nullptr || *name == callee.name) instance.pending.push_back(pending);
  if (instance.pending.empty() || callee.recursive) return shared_.functions.at(&callee);
  const auto next = static_cast<uint32_t>(shared_.functions.size() + shared_.copies.size());
  const auto [at, is_new] = shared_.copies.emplace(instance, FuncId{next});
  if (is_new) shared_.wanted.push_back(std::move(instance));
  return at->second;
}

}  // namespace tenon::ir
