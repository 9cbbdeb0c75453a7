// fold: computes what is constant. One walk over the blocks such that definitions come before uses;
// inside bodies, from the leaves up. Arithmetic is the interpreter's own (runtime::eval), so
// folding cannot change a result; what fails at run time is left to fail there.
#include <algorithm>

#include "ir/dominators.h"
#include "ir/ir.h"
#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/scalar/algebra.h"

namespace tenon::opt {
namespace {

using namespace ir;

class Fold {
 public:
  Fold(Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), context_(context) {}

  void run() {
    for (uint32_t block : reverse_postorder(control_flow(function_))) {
      for (Inst& inst : function_.blocks[block].insts) {
        replacements_.apply(function_, inst);
        fold(inst);
      }
    }
    replacements_.apply(function_);  // for blocks that nothing reaches, and edges that close loops
    if (took_branch_) remove_unreachable(function_);
  }

 private:
  // ---- instructions

  void fold(Inst& inst) {
    switch (inst.op) {
      case Op::constant: constants_[inst.result()] = inst.get<Scalar>(); break;
      case Op::apply: fold_apply(inst); break;
      case Op::convert: fold_convert(inst); break;
      case Op::compute: fold_compute(inst); break;
      case Op::branch: fold_branch(inst); break;
      default: break;
    }
  }

  std::optional<Scalar> constant_of(ValueId value) const {
    const auto known = constants_.find(value);
    return known == constants_.end() ? std::nullopt : std::optional(known->second);
  }

  void become_constant(Inst& inst, Scalar value) {
    inst = {Op::constant, {inst.result()}, {}, value, inst.span};
    constants_[inst.result()] = value;
  }

  void fold_apply(Inst& inst) {
    std::vector<KnownOperand> operands;
    for (ValueId arg : inst.args) operands.push_back({constant_of(arg), arg.index});
    const DType type = module_.type(function_, inst.args.back()).dtype;
    const std::optional<Simplified> simpler = simplify(inst.get<ScalarOp>(), type, operands);
    if (!simpler || !context_.may_rewrite(row(inst.get<ScalarOp>()).text)) return;
    if (const auto* value = std::get_if<Scalar>(&*simpler)) {
      become_constant(inst, *value);
    } else if (const auto* operand = std::get_if<size_t>(&*simpler)) {
      replacements_.add(inst.result(), inst.args[*operand]);
      if (operands[*operand].constant) constants_[inst.result()] = *operands[*operand].constant;
    } else {
      const SimplerApply& apply = std::get<SimplerApply>(*simpler);
      std::vector<ValueId> args;
      for (size_t operand : apply.operands) args.push_back(inst.args[operand]);
      inst.args = std::move(args);
      inst.attribute = apply.op;
    }
  }

  void fold_convert(Inst& inst) {
    const DType to = module_.type(function_, inst.result()).dtype;
    if (const auto constant = constant_of(inst.args[0])) {
      if (context_.may_rewrite("convert")) become_constant(inst, runtime::convert(to, *constant));
    } else if (module_.type(function_, inst.args[0]).dtype == to) {
      if (context_.may_rewrite("convert")) replacements_.add(inst.result(), inst.args[0]);
    }
  }

  void fold_branch(Inst& inst) {
    const auto condition = constant_of(inst.args[0]);
    if (!condition || !context_.may_rewrite("branch")) return;
    Edge taken = inst.get<std::vector<Edge>>()[condition->i ? 0 : 1];
    inst = {Op::jump, {}, {}, std::vector<Edge>{std::move(taken)}, inst.span};
    took_branch_ = true;
  }

  void fold_compute(Inst& inst) {
    Compute& compute = inst.get<Compute>();
    std::unordered_map<ExprId, ExprId> now;
    for_each_node(function_.exprs, compute.bodies, [&](ExprId id) {
      std::vector<ExprId> args = function_.exprs[id].args;
      for (ExprId& arg : args) arg = now.at(arg);
      now[id] = folded(function_.exprs.with_args(id, std::move(args)));
    });
    for (ExprId& body : compute.bodies) body = now.at(body);
    for (auto& [id, span] : compute.sites) {
      if (const auto found = now.find(id); found != now.end()) id = found->second;
    }
    if (!compute.extents.empty() || compute.bodies.size() > 1) return;
    const Expr& body = function_.exprs[compute.bodies[0]];  // a scalar: maybe no compute any more
    if (body.kind == ExprKind::constant && context_.may_rewrite("scalar compute")) {
      become_constant(inst, body.constant);
    } else if (body.kind == ExprKind::value && context_.may_rewrite("scalar compute")) {
      replacements_.add(inst.result(), body.value);
    }
  }

  // ---- nodes of bodies, whose arguments are folded already

  ExprId folded(ExprId id) {
    const ExprId simpler = simpler_node(id);
    return simpler == id || !context_.may_rewrite("in a body") ? id : simpler;
  }

  ExprId simpler_node(ExprId id) {
    const Expr node = function_.exprs[id];
    switch (node.kind) {
      case ExprKind::value: {
        const auto constant = constant_of(node.value);
        return constant ? function_.exprs.constant(*constant) : id;
      }
      case ExprKind::apply: return simpler_apply(id, node);
      case ExprKind::convert: {
        const Expr& operand = function_.exprs[node.args[0]];
        if (operand.type == node.type) return node.args[0];
        if (operand.kind != ExprKind::constant) return id;
        return function_.exprs.constant(runtime::convert(node.type, operand.constant));
      }
      case ExprKind::if_: return simpler_if(id, node);
      case ExprKind::reduce: return simpler_reduce(id, node);
      default: return id;
    }
  }

  ExprId simpler_apply(ExprId id, const Expr& node) {
    std::vector<KnownOperand> operands;
    for (ExprId arg : node.args) operands.push_back({constant_of(arg), arg.index});
    const DType type = function_.exprs[node.args.back()].type;
    const std::optional<Simplified> simpler = simplify(node.op, type, operands);
    if (!simpler) return id;
    std::vector<size_t> kept;
    if (const auto* operand = std::get_if<size_t>(&*simpler)) kept = {*operand};
    const auto* apply = std::get_if<SimplerApply>(&*simpler);
    if (apply) kept = apply->operands;
    for (size_t i = 0; i < node.args.size(); ++i) {  // what is dropped must not be missed
      const auto same = [&](size_t k) { return node.args[k] == node.args[i]; };
      if (std::ranges::none_of(kept, same) && can_fail(node.args[i])) return id;
    }
    if (const auto* value = std::get_if<Scalar>(&*simpler)) return function_.exprs.constant(*value);
    if (!apply) return node.args[kept.front()];
    std::vector<ExprId> args;
    for (size_t operand : kept) args.push_back(node.args[operand]);
    return function_.exprs.apply(apply->op, std::move(args));
  }

  ExprId simpler_if(ExprId id, const Expr& node) {
    if (const auto condition = constant_of(node.args[0])) return node.args[condition->i ? 1 : 2];
    const bool same = node.args[1] == node.args[2];
    if (same && !can_fail(node.args[0])) return node.args[1];
    const auto is = [&](ExprId arg, bool value) {
      const auto constant = constant_of(arg);
      return constant && *constant == Scalar::boolean(value);
    };
    return is(node.args[1], true) && is(node.args[2], false) ? node.args[0] : id;
  }

  /// Over an empty range sum, prod, any and all are what they start from.
  ExprId simpler_reduce(ExprId id, const Expr& node) {
    bool empty = false, known = true;
    for (size_t i = 0; i < node.reduce_rank(); ++i) {
      const auto lo = constant_of(node.args[2 * i]), hi = constant_of(node.args[2 * i + 1]);
      known = known && lo && hi;
      empty = empty || (lo && hi && lo->i >= hi->i);
    }
    if (!known || !empty) return id;
    const bool floats = runtime::is_floating(node.type);
    const auto number = [&](int n) {
      return floats ? Scalar::floating(node.type, n) : Scalar::integer(node.type, n);
    };
    switch (node.reduction) {
      case Reduction::sum: return function_.exprs.constant(number(0));
      case Reduction::prod: return function_.exprs.constant(number(1));
      case Reduction::any: return function_.exprs.constant(Scalar::boolean(false));
      case Reduction::all: return function_.exprs.constant(Scalar::boolean(true));
      default: return id;
    }
  }

  std::optional<Scalar> constant_of(ExprId id) const {
    const Expr& node = function_.exprs[id];
    return node.kind == ExprKind::constant ? std::optional(node.constant) : std::nullopt;
  }

  /// Errs on the side of yes: a read is not asked whether it is in range.
  bool can_fail(ExprId root) const {
    bool fails = false;
    for_each_node(function_.exprs, root, [&](ExprId id) {
      const Expr& node = function_.exprs[id];
      const bool divides = node.kind == ExprKind::apply && runtime::is_integer(node.type) &&
                           (node.op == ScalarOp::div || node.op == ScalarOp::mod);
      fails = fails || divides || node.kind == ExprKind::read || node.kind == ExprKind::reduce ||
              node.kind == ExprKind::call;
    });
    return fails;
  }

  Module& module_;
  Function& function_;
  PassContext& context_;
  std::unordered_map<ValueId, Scalar> constants_;
  Replacements replacements_;
  bool took_branch_ = false;
};

}  // namespace

void fold(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    if (!has_owners(function)) Fold(module, function, context).run();
  }
}

}  // namespace tenon::opt
