#include "opt/scalar/copy_function.h"

#include <algorithm>
#include <map>

#include "ir/operands.h"
#include "opt/rewrite.h"

namespace tenon::opt {

using namespace ir;

std::optional<ValueId> FunctionCopy::find(ValueId from) const {
  const auto found = values_.find(from);
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

/// A use may be copied before its definition: along edges that close loops.
ValueId FunctionCopy::value(ValueId from) {
  if (const auto found = find(from)) return *found;
  const Value& value = from_.value(from);
  const ValueId copy = to_.add_value(value.type, without_number(value.name));
  values_.emplace(from, copy);
  return copy;
}

Inst FunctionCopy::inst(const Inst& inst) {
  Inst copy = inst;
  for (ValueId& arg : copy.args) arg = value(arg);
  if (auto* compute = std::get_if<Compute>(&copy.attribute)) copy_body(*compute);
  for (ValueId& result : copy.results) result = value(result);
  // `f.y` as part of `main.a` is `main.a.y`; a copy made for a call is called so already. A call of a
  // definition without a name has no more than the function's.
  if (!path_.empty() && !copy.path.empty() && !copy.path.starts_with(path_ + "."))
    copy.path = path_ + copy.path.substr(std::min(copy.path.find('.'), copy.path.size()));
  return copy;
}

namespace {

/// The names of what a schedule's directives name, in the function that it is copied into.
void copy_operands(const Function& from, const Function& to,
                   const std::unordered_map<ValueId, ValueId>& values, Compute& compute) {
  std::map<std::string, std::string> names;
  for_each_node(from.exprs, compute.bodies, [&](ExprId id) {
    const Expr& node = from.exprs[id];
    if (node.kind == ExprKind::read)
      names.emplace(from.value(node.value).name, to.value(values.at(node.value)).name);
  });
  rename_operands(*compute.schedule, names);
}

}  // namespace

void FunctionCopy::copy_body(Compute& compute) {
  for_each_node(from_.exprs, compute.bodies, [&](ExprId id) {
    if (exprs_.contains(id)) return;
    Expr node = from_.exprs[id];
    for (ExprId& arg : node.args) arg = exprs_.at(arg);
    if (node.value) node.value = value(node.value);
    exprs_.emplace(id, to_.exprs.adopt(std::move(node)));
  });
  if (compute.schedule) copy_operands(from_, to_, values_, compute);
  for (ExprId& body : compute.bodies) body = exprs_.at(body);
  for (auto& [id, span] : compute.sites)
    if (const auto found = exprs_.find(id); found != exprs_.end()) id = found->second;
}

BlockId FunctionCopy::blocks(
    const std::function<Inst(const Inst& ret, std::vector<ValueId>)>& leave) {
  std::vector<BlockId> now;
  for (const Block& block : from_.blocks) now.push_back(to_.add_block(without_number(block.name)));
  for (size_t b = 0; b < now.size(); ++b) {
    const Block& block = from_.blocks[b];
    for (ValueId param : block.params) to_.block(now[b]).params.push_back(value(param));
    for (const Inst& old : block.insts) {
      Inst copy = inst(old);
      if (old.op == Op::ret) copy = leave(old, copy.args);
      else if (auto* edges = std::get_if<std::vector<Edge>>(&copy.attribute)) {
        for (Edge& edge : *edges) {
          edge.target = now[edge.target.index];
          for (ValueId& arg : edge.args) arg = value(arg);
        }
      }
      to_.block(now[b]).insts.push_back(std::move(copy));
    }
  }
  return now[0];
}

namespace {

bool may_divide_by_zero(const Exprs& exprs, ScalarOp op, std::span<const ExprId> operands) {
  if (op != ScalarOp::div && op != ScalarOp::mod) return false;
  const Expr& divisor = exprs[operands[1]];
  if (runtime::is_floating(divisor.type)) return false;
  return divisor.kind != ExprKind::constant || divisor.constant.i == 0;
}

}  // namespace

std::optional<ExprId> as_expression(const Module& module, const Function& function,
                                    std::span<const ExprId> args, Exprs& exprs) {
  const std::vector<Inst>& insts = function.blocks[0].insts;
  if (function.blocks.size() != 1 || insts.back().args.size() != 1) return std::nullopt;
  std::unordered_map<ValueId, ExprId> values;
  for (size_t i = 0; i < args.size(); ++i) values[function.params[i]] = args[i];
  for (size_t i = 0; i + 1 < insts.size(); ++i) {
    const Inst& inst = insts[i];
    std::vector<ExprId> operands;
    for (ValueId arg : inst.args) operands.push_back(values.at(arg));
    if (inst.op == Op::constant) {
      values[inst.result()] = exprs.constant(inst.get<Scalar>());
    } else if (inst.op == Op::convert) {
      const DType to = module.type(function, inst.result()).dtype;
      values[inst.result()] = exprs.convert(to, operands[0]);
    } else if (inst.op == Op::apply) {
      const ScalarOp op = inst.get<ScalarOp>();
      if (may_divide_by_zero(exprs, op, operands)) return std::nullopt;
      values[inst.result()] = exprs.apply(op, std::move(operands));
    } else {
      return std::nullopt;
    }
  }
  return values.at(insts.back().args[0]);
}

}  // namespace tenon::opt
