#include "opt/analysis/purity.h"

#include "ir/dominators.h"
#include "ir/range_prover.h"
#include "opt/analysis/strong_components.h"
#include "opt/analysis/termination.h"

namespace tenon::opt {

using namespace ir;

namespace {

/// What an instruction does itself: its callees aside, and whether it may fail.
Effects own_effects(const Inst& inst) {
  Effects effects;
  const Trait trait = row(inst.op).trait;
  effects.acts = trait == Trait::effect || trait == Trait::ownership;
  effects.reads_files = inst.op == Op::load;
  return effects;
}

Range range_of_value(const Module& module, const Function& function, ValueId value) {
  return range_of_type(module.type(function, value).dtype);
}

}  // namespace

Effects& Effects::operator|=(const Effects& other) {
  acts |= other.acts;
  may_fail |= other.may_fail;
  reads_files |= other.reads_files;
  may_not_end |= other.may_not_end;
  return *this;
}

Purity::Purity(const Module& module) : effects_(module.functions.size()) {
  const Graph calls = call_graph(module);
  for (const std::vector<uint32_t>& component : strong_components(calls)) {
    // Functions that reach each other do the same in the end. What they call inside of the component
    // still counts as harmless here: it adds nothing of its own.
    Effects together;
    for (uint32_t f : component) {
      for (uint32_t callee : calls[f]) together |= effects_[callee];
      together |= without_calls(module, module.functions[f]);
    }
    for (uint32_t f : component) effects_[f] = together;
  }
}

/// What a function does of its own accord, and what those of its callees do that are known by now.
Effects Purity::without_calls(const Module& module, const Function& function) const {
  Effects effects;
  effects.acts = !function.pure;
  effects.may_fail = function.recursive;  // too deep
  effects.may_not_end = !Termination(function).ends();
  const InstEffects insts(module, function, *this);
  for (const Block& block : function.blocks) {
    for (const Inst& inst : block.insts) {
      effects |= own_effects(inst);
      effects.may_fail = effects.may_fail || insts.may_fail(inst);
    }
  }
  return effects;
}

InstEffects::InstEffects(const Module& module, const Function& function, const Purity& purity)
    : module_(module), function_(function), purity_(purity) {
  for (uint32_t v = 0; v < function.values.size(); ++v)
    ranges_.push_back(range_of_value(module, function, {v}));
  for (const Block& block : function.blocks) {
    for (const Inst& inst : block.insts) {
      if (inst.op != Op::constant || runtime::is_floating(inst.get<Scalar>().type)) continue;
      ranges_[inst.result().index] = {inst.get<Scalar>().i, inst.get<Scalar>().i};
    }
  }
  known_.callee_fails = [this](FuncId callee) { return purity_.of(callee).may_fail; };
  known_.range_of = [this](ValueId value) {
    if (value.index < ranges_.size()) return ranges_[value.index];
    return range_of_value(module_, function_, value);
  };
}

bool InstEffects::is_movable(const Inst& inst) const {
  switch (inst.op) {
    case Op::constant:
    case Op::apply:
    case Op::convert:
    case Op::pack:
    case Op::element:
    case Op::compute:
    case Op::call: {
      const Effects effects = besides_failure(inst);
      return !effects.acts && !effects.reads_files;
    }
    default: return false;
  }
}

Effects InstEffects::besides_failure(const Inst& inst) const {
  Effects effects = own_effects(inst);
  effects.acts |= row(inst.op).trait == Trait::terminator;
  for_each_callee(function_, inst, [&](FuncId callee) { effects |= purity_.of(callee); });
  effects.may_fail = false;
  return effects;
}

bool InstEffects::may_fail(const Inst& inst) const {
  return row(inst.op).trait != Trait::pure && ir::may_fail(module_, function_, inst, known_);
}

bool InstEffects::would_be_missed(const Inst& inst) const {
  return besides_failure(inst).would_be_missed() || may_fail(inst);
}

}  // namespace tenon::opt
