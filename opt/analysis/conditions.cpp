#include "opt/analysis/conditions.h"

#include <algorithm>

namespace tenon::opt {

using namespace ir;

namespace {

/// `not`s and joins that are seen through: deeper ones come from no source.
constexpr int kMaxDepth = 8;

/// The comparison that holds where `op` does not.
ScalarOp negated(ScalarOp op) {
  switch (op) {
    case ScalarOp::lt: return ScalarOp::ge;
    case ScalarOp::le: return ScalarOp::gt;
    case ScalarOp::gt: return ScalarOp::le;
    case ScalarOp::ge: return ScalarOp::lt;
    case ScalarOp::eq: return ScalarOp::ne;
    default: return ScalarOp::eq;
  }
}

/// The same comparison with its sides exchanged.
ScalarOp exchanged(ScalarOp op) {
  switch (op) {
    case ScalarOp::lt: return ScalarOp::gt;
    case ScalarOp::le: return ScalarOp::ge;
    case ScalarOp::gt: return ScalarOp::lt;
    case ScalarOp::ge: return ScalarOp::le;
    default: return op;
  }
}

}  // namespace

bool is_comparison(ScalarOp op) {
  switch (op) {
    case ScalarOp::lt:
    case ScalarOp::le:
    case ScalarOp::gt:
    case ScalarOp::ge:
    case ScalarOp::eq:
    case ScalarOp::ne: return true;
    default: return false;
  }
}

Range refined(Range range, ScalarOp op, Range other) {
  constexpr Range kNothing{1, 0};
  if (range.is_empty() || other.is_empty()) return kNothing;
  switch (op) {
    case ScalarOp::lt:
      return other.hi == INT64_MIN ? kNothing : Range{range.lo, std::min(range.hi, other.hi - 1)};
    case ScalarOp::le: return {range.lo, std::min(range.hi, other.hi)};
    case ScalarOp::gt:
      return other.lo == INT64_MAX ? kNothing : Range{std::max(range.lo, other.lo + 1), range.hi};
    case ScalarOp::ge: return {std::max(range.lo, other.lo), range.hi};
    case ScalarOp::eq: return intersection(range, other);
    default: break;  // ne: says something only of an end
  }
  if (other.lo != other.hi) return range;
  if (range == other) return kNothing;
  if (range.lo == other.lo) ++range.lo;
  if (range.hi == other.hi) --range.hi;
  return range;
}

Conditions::Conditions(const Module& module, const Function& function, const Graph& graph,
                       const Dominators& dominators)
    : module_(module),
      function_(function),
      dominators_(dominators),
      definitions_(function.values.size()),
      defined_in_(function.values.size()),
      facts_(function.values.size()) {
  const std::vector<uint32_t> order = reverse_postorder(graph);
  predecessors_ = graph.reversed(order);
  for (uint32_t b : order) {
    for (ValueId param : function.blocks[b].params) defined_in_[param.index] = {b};
    for (const Inst& inst : function.blocks[b].insts) {
      for (ValueId result : inst.results) {
        definitions_[result.index] = &inst;
        defined_in_[result.index] = {b};
      }
    }
  }
  for (uint32_t b : order) {
    if (const BlockId from = only_entry({b})) assume_branch(from, {b}, {b}, kMaxDepth);
    const std::vector<Inst>& insts = function.blocks[b].insts;
    for (size_t i = 0; i < insts.size(); ++i) assume_checked(insts[i], {b}, i + 1);
  }
}

/// The only block that leads to `block` without having come from there; none if there are several.
/// On the next turn of a loop what was known on entering it still is: it is about values from before.
BlockId Conditions::only_entry(BlockId block) const {
  BlockId only;
  for (uint32_t from : predecessors_[block.index]) {
    if (dominators_.dominates(block.index, from)) continue;
    if (only) return {};
    only = {from};
  }
  return only;
}

/// In `block` it is known that the way led from one block to another.
void Conditions::assume_branch(BlockId from, BlockId to, BlockId block, int depth) {
  const Inst& end = function_.block(from).insts.back();
  if (end.op != Op::branch) return;
  const std::vector<Edge>& edges = end.get<std::vector<Edge>>();
  if (edges[0].target != edges[1].target)
    assume(end.args[0], edges[0].target == to, block, depth);
}

void Conditions::assume(ValueId condition, bool holds, BlockId block, int depth) {
  if (depth == 0) return;
  const Inst* inst = definitions_[condition.index];
  if (inst == nullptr) return assume_join(condition, holds, block, depth - 1);
  if (inst->op != Op::apply) return;
  const ScalarOp op = inst->get<ScalarOp>();
  if (op == ScalarOp::not_) return assume(inst->args[0], !holds, block, depth - 1);
  if (op == (holds ? ScalarOp::and_ : ScalarOp::or_)) {
    for (ValueId arg : inst->args) assume(arg, holds, block, depth - 1);
  }
  const ValueId left = inst->args[0];
  if (!is_comparison(op) || !runtime::is_integer(module_.type(function_, left).dtype)) return;
  const ValueId right = inst->args[1];
  if (!is_still(left) || !is_still(right)) return;
  const ScalarOp known = holds ? op : negated(op);
  facts_[left.index].push_back({block, 0, known, right, {}});
  facts_[right.index].push_back({block, 0, exchanged(known), left, {}});
}

/// Whether a value is the one that a join's parameter was computed from: what is defined behind the
/// join may have been defined anew since, on the next turn of a loop.
bool Conditions::is_still(ValueId value) const {
  const BlockId from = defined_in_[value.index];
  return !from || std::ranges::all_of(joins_, [&](BlockId join) {
    return from != join && dominators_.dominates(from, join);
  });
}

/// `a and b` is a block's parameter: b on the way on which a holds, false on the other one. If it
/// holds, the way was the first.
void Conditions::assume_join(ValueId condition, bool holds, BlockId block, int depth) {
  const BlockId join = defined_in_[condition.index];
  if (!join) return;  // a parameter of the function
  const std::vector<ValueId>& params = function_.block(join).params;
  const auto param = static_cast<size_t>(std::ranges::find(params, condition) - params.begin());
  BlockId from;
  ValueId passed;
  for (uint32_t before : predecessors_[join.index]) {
    for (const Edge& edge : successors(function_.blocks[before])) {
      if (edge.target != join) continue;
      const Inst* constant = definitions_[edge.args[param].index];
      if (constant != nullptr && constant->op == Op::constant &&
          (constant->get<Scalar>().i != 0) != holds)
        continue;
      if (from) return;
      from = {before};
      passed = edge.args[param];
    }
  }
  if (!from) return;
  joins_.push_back(join);
  assume(passed, holds, block, depth);
  assume_branch(from, join, block, depth);
  if (const BlockId before = only_entry(from)) assume_branch(before, from, block, depth);
  joins_.pop_back();
}

void Conditions::assume_checked(const Inst& inst, BlockId block, size_t position) {
  if (inst.op != Op::element && inst.op != Op::update) return;
  const Shape& shape = module_.type(function_, inst.args[0]).shape;
  for_each_subscript(inst, [&](size_t axis, ValueId subscript) {
    facts_[subscript.index].push_back(
        {block, position, ScalarOp::eq, {}, Range{0, shape[axis] - 1}});
  });
}

}  // namespace tenon::opt
