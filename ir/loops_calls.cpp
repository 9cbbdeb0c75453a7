// Calls of scalar functions in a body. One that goes straight from its entry to its result and cannot
// fail, as exp and its like are, is written out in the place of its call, if it is short or nobody else
// calls it; any other is a statement of its own.
#include "ir/loops_lowering.h"
#include "ir/straight.h"

namespace tenon::ir::loops {
ExprPtr Lowering::lower_call(ExprId id, const IndexExpr& node) {
  std::vector<ExprPtr> args = lower_all(node.args);
  const Function& callee = module_.function(node.callee);
  const bool in_lanes = goes_in_lanes(module_, node.callee);
  if (in_lanes && !shared_callees_.contains(node.callee) &&
      *straight_size(module_, callee) <= kMostWrittenOut)
    return write_out(callee, std::move(args));
  const LocalId local = add_local(node.type);
  if (!in_lanes && may_fail(module_, node.callee)) kernel_.may_fail = true;
  emit(CallInto{local, node.callee, std::move(args), span_of(id), in_lanes});
  return make(node.type, Local{local, {}});
}

/// What the function returns, as an expression; what is used several times becomes a local.
ExprPtr Lowering::write_out(const Function& callee, std::vector<ExprPtr> args) {
  std::unordered_map<ValueId, ExprPtr> values;
  std::unordered_map<ValueId, int> uses;
  for (const Inst& inst : callee.blocks[0].insts)
    for (const ValueId arg : inst.args) ++uses[arg];
  const auto keep = [&](ValueId id, ExprPtr value) {
    const bool is_name = std::holds_alternative<Constant>(value->node) ||
                         std::holds_alternative<Local>(value->node) ||
                         std::holds_alternative<Loop>(value->node) ||
                         std::holds_alternative<Scalar_>(value->node);
    LocalId local;
    values[id] = uses[id] < 2 || is_name ? value : declare(value->type, value, &local);
  };
  for (size_t i = 0; i < args.size(); ++i) keep(callee.params[i], std::move(args[i]));
  for (const Inst& inst : callee.blocks[0].insts) {
    std::vector<ExprPtr> operands;
    for (const ValueId arg : inst.args) operands.push_back(values.at(arg));
    if (inst.op == Op::ret) return operands[0];
    const DType type = module_.type(callee, inst.result()).dtype;
    ExprPtr value;
    if (inst.op == Op::constant) value = constant(inst.get<Scalar>());
    else if (inst.op == Op::call)
      value = write_out(module_.function(inst.get<FuncId>()), std::move(operands));
    else if (inst.op == Op::convert) value = make(type, Convert{operands[0]});
    else if (inst.get<ScalarOp>() == ScalarOp::select)
      value = make(type, Select{operands[0], operands[1], operands[2]});
    else
      value = make(type, Apply{inst.get<ScalarOp>(), std::move(operands)});
    keep(inst.result(), std::move(value));
  }
  return nullptr;
}

}  // namespace tenon::ir::loops
