// Which nodes of a body, and which instructions, can stop the program.
#include "ir/ranges.h"

#include <algorithm>
#include <unordered_set>

#include "ir/range_prover.h"

namespace tenon::ir {
namespace {

bool divides_integers(ScalarOp op, DType type) {
  return runtime::is_integer(type) && (op == ScalarOp::div || op == ScalarOp::mod);
}

bool needs_an_element(Reduction reduction) {
  switch (reduction) {
    case Reduction::sum:
    case Reduction::prod:
    case Reduction::any:
    case Reduction::all: return false;
    case Reduction::max:
    case Reduction::min:
    case Reduction::argmax:
    case Reduction::argmin: return true;
  }
  return true;
}

/// What may fail by its kind, whatever its operands.
bool can_ever_fail(const Expr& node) {
  switch (node.kind) {
    case ExprKind::read:
    case ExprKind::call: return true;
    case ExprKind::apply: return divides_integers(node.op, node.type);
    case ExprKind::reduce: return needs_an_element(node.reduction);
    case ExprKind::constant:
    case ExprKind::index:
    case ExprKind::value:
    case ExprKind::convert:
    case ExprKind::if_: return false;
  }
  return true;
}

/// A walk over the body as the tree that it is written out, since what is known differs from place
/// to place.
class FallibleNodes {
 public:
  FallibleNodes(const Module& module, const Function& function, const Compute& compute,
                const Known& known)
      : module_(module),
        function_(function),
        compute_(compute),
        known_(known),
        prover_(function, compute, known.range_of) {}

  std::vector<ExprId> run() {
    for (const int64_t extent : compute_.extents)
      if (extent == 0) return {};  // nothing is evaluated
    for (const ExprId body : compute_.bodies) visit(body);
    if (!prover_.exhausted()) return std::move(found_);
    std::vector<ExprId> all;
    for_each_node(function_.exprs, compute_.bodies, [&](ExprId id) {
      if (can_ever_fail(function_.exprs[id])) all.push_back(id);
    });
    return all;
  }

 private:
  void visit(ExprId id);
  bool fails(const Expr& node);

  const Module& module_;
  const Function& function_;
  const Compute& compute_;
  const Known& known_;
  RangeProver prover_;
  std::unordered_set<ExprId> seen_;
  std::vector<ExprId> found_;
};

void FallibleNodes::visit(ExprId id) {
  if (!prover_.step()) return;
  const Expr& node = function_.exprs[id];
  if (node.kind == ExprKind::if_) {
    visit(node.args[0]);
    prover_.in_branch(node.args[0], true, [&] { visit(node.args[1]); });
    prover_.in_branch(node.args[0], false, [&] { visit(node.args[2]); });
    return;
  }
  const bool reduces = node.kind == ExprKind::reduce;
  for (size_t i = 0; i + (reduces ? 1 : 0) < node.args.size(); ++i) visit(node.args[i]);
  if (fails(node) && seen_.insert(id).second) found_.push_back(id);
  if (reduces && !prover_.never_runs(node))
    prover_.in_reduction(node, [&] { visit(node.reduce_body()); });
}

bool FallibleNodes::fails(const Expr& node) {
  if (!can_ever_fail(node)) return false;
  switch (node.kind) {
    case ExprKind::read: {
      const Shape& shape = module_.type(function_, node.value).shape;
      for (size_t axis = 0; axis < shape.size(); ++axis) {
        const Range subscript = prover_.range(node.args[axis]);
        if (subscript.lo < 0 || subscript.hi >= shape[axis]) return true;
      }
      return false;
    }
    case ExprKind::apply: return !prover_.is_nonzero(node.args[1]);
    case ExprKind::reduce: return !prover_.surely_runs(node);
    default: return known_.callee_fails(node.callee);
  }
}

// ---- instructions

/// Where values lie of which nothing is known but the constants: looked up once.
std::function<Range(ValueId)> ranges_by_definition(const Module& module, const Function& function) {
  std::unordered_map<ValueId, int64_t> constants;
  for (const Block& block : function.blocks) {
    for (const Inst& inst : block.insts) {
      if (inst.op == Op::constant && !runtime::is_floating(inst.get<Scalar>().type))
        constants.emplace(inst.result(), inst.get<Scalar>().i);
    }
  }
  return [&module, &function, constants = std::move(constants)](ValueId value) {
    const auto found = constants.find(value);
    if (found != constants.end()) return Range{found->second, found->second};
    return range_of_type(module.type(function, value).dtype);
  };
}

bool subscripts_may_fail(const Module& module, const Function& function, const Inst& inst,
                         const Known& known) {
  const Shape& shape = module.type(function, inst.args[0]).shape;
  bool may_fail = false;
  for_each_subscript(inst, [&](size_t axis, ValueId subscript) {
    if (may_fail) return;
    const Range range = known.range_of(subscript);
    may_fail = range.lo < 0 || range.hi >= shape[axis];
  });
  return may_fail;
}

}  // namespace

bool may_fail(const Module& module, const Function& function, const Inst& inst,
              const Known& known) {
  if (inst.unchecked) return false;
  switch (inst.op) {
    case Op::apply: {
      if (!divides_integers(inst.get<ScalarOp>(), module.type(function, inst.result()).dtype))
        return false;
      const Range divisor = known.range_of(inst.args[1]);
      return divisor.lo <= 0 && 0 <= divisor.hi;
    }
    case Op::compute:
      return !FallibleNodes(module, function, inst.get<Compute>(), known).run().empty();
    case Op::element:
    case Op::update: return subscripts_may_fail(module, function, inst, known);
    case Op::call: return known.callee_fails(inst.get<FuncId>());
    case Op::load:
    case Op::save:
    case Op::write:
    case Op::assert_: return true;
    case Op::constant:
    case Op::convert:
    case Op::pack:
    case Op::print:
    case Op::share:
    case Op::drop:
    case Op::jump:
    case Op::branch:
    case Op::ret: return false;
  }
  return true;
}

Range range_of(const Function& function, ExprId expr, std::span<const Range> levels) {
  return RangeProver(function, levels, kFuelPerQuery).range(expr);
}

std::vector<ExprId> fallible_nodes(const Module& module, const Function& function,
                                   const Compute& compute, const Known& known) {
  return FallibleNodes(module, function, compute, known).run();
}

std::vector<ExprId> fallible_nodes(const Module& module, const Function& function,
                                   const Compute& compute) {
  return fallible_nodes(module, function, compute,
                        {[&](FuncId callee) { return may_fail(module, callee); }, {}});
}

bool may_fail(const Module& module, const Function& function, const Inst& inst) {
  return may_fail(module, function, inst,
                  {[&](FuncId callee) { return may_fail(module, callee); },
                   ranges_by_definition(module, function)});
}

bool may_fail(const Module& module, FuncId function) {
  // Everything that it reaches; each on its own, calls aside, so that nothing is looked at twice.
  std::vector<FuncId> reached = {function};
  std::unordered_set<FuncId> seen = {function};
  for (size_t next = 0; next < reached.size(); ++next) {
    const Function& f = module.function(reached[next]);
    if (f.recursive) return true;
    const Known calls_aside = {[](FuncId) { return false; }, ranges_by_definition(module, f)};
    for (const Block& block : f.blocks)
      for (const Inst& inst : block.insts)
        if (may_fail(module, f, inst, calls_aside)) return true;
    for_each_callee(f, [&](FuncId callee) {
      if (seen.insert(callee).second) reached.push_back(callee);
    });
  }
  return false;
}

}  // namespace tenon::ir
