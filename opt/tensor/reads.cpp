#include "opt/tensor/reads.h"

#include <algorithm>

namespace tenon::opt {
namespace {

using namespace ir;

bool reads(const Exprs& exprs, ExprId root, ValueId tensor) {
  bool found = false;
  for_each_node(exprs, root, [&](ExprId id) { found |= exprs[id].value == tensor; });
  return found;
}

bool is_sum(const Exprs& exprs, ExprId root) {
  bool sum = true;
  for_each_node(exprs, root, [&](ExprId id) {
    const Expr& node = exprs[id];
    const bool operation = node.kind == ExprKind::apply &&
                           (node.op == ScalarOp::add || node.op == ScalarOp::sub ||
                            node.op == ScalarOp::mul);
    sum &= operation || node.kind == ExprKind::index || node.kind == ExprKind::constant;
  });
  return sum;
}

/// The extents of a reduction that starts at 0 and is known.
std::optional<Shape> extents_of(const Exprs& exprs, const Expr& reduce) {
  Shape extents;
  for (size_t i = 0; i < reduce.reduce_rank(); ++i) {
    const Expr &lo = exprs[reduce.args[2 * i]], &hi = exprs[reduce.args[2 * i + 1]];
    if (lo.kind != ExprKind::constant || lo.constant.i != 0) return {};
    if (hi.kind != ExprKind::constant) return {};
    extents.push_back(hi.constant.i);
  }
  return extents;
}

/// Whether the subscripts are the outermost indices, in order.
bool is_own_point(const Exprs& exprs, const Expr& read) {
  for (size_t axis = 0; axis < read.args.size(); ++axis) {
    const Expr& subscript = exprs[read.args[axis]];
    if (subscript.kind != ExprKind::index || subscript.level != axis) return false;
  }
  return true;
}

}  // namespace

bool reads_own_point(const Exprs& exprs, ValueId tensor, const Compute& consumer) {
  bool own = true;
  for_each_node(exprs, consumer.bodies, [&](ExprId id) {
    const Expr& node = exprs[id];
    if (node.kind == ExprKind::reduce) own &= !reads(exprs, node.reduce_body(), tensor);
    if (node.value == tensor) own &= is_own_point(exprs, node);
  });
  return own;
}

bool takes_all_in_order(const Exprs& exprs, ValueId tensor, const Shape& shape,
                        const Compute& consumer) {
  if (consumer.bodies.size() > 1) return false;
  ExprId id = consumer.bodies[0];
  Shape bound = consumer.extents;
  // Down to the read, along what is always evaluated, and once.
  while (exprs[id].kind != ExprKind::read || exprs[id].value != tensor) {
    const Expr& node = exprs[id];
    std::vector<ExprId> ways;
    for (ExprId arg : node.args)
      if (reads(exprs, arg, tensor)) ways.push_back(arg);
    if (ways.size() != 1) return false;
    if (node.kind == ExprKind::if_ && ways[0] != node.args[0]) return false;
    if (node.kind == ExprKind::reduce) {
      const bool second = bound.size() > consumer.extents.size();
      const auto extents = extents_of(exprs, node);
      if (ways[0] != node.reduce_body() || second || !extents) return false;
      bound.insert(bound.end(), extents->begin(), extents->end());
    }
    id = ways[0];
  }
  return bound == shape && is_own_point(exprs, exprs[id]);
}

bool keeps_loops(const Exprs& exprs, ValueId tensor, const Compute& consumer) {
  int places = 0;
  bool keeps = true;
  for_each_node(exprs, consumer.bodies, [&](ExprId id) {
    const Expr& node = exprs[id];
    if (node.kind == ExprKind::reduce) keeps &= !reads(exprs, node.reduce_body(), tensor);
    if (node.kind != ExprKind::read || node.value != tensor) return;
    ++places;
    for (ExprId subscript : node.args) keeps &= is_sum(exprs, subscript);
  });
  return keeps && places == 1;
}

std::optional<Compute> as_compute(const Module& module, Function& function,
                                  const std::unordered_map<ValueId, Scalar>& constants,
                                  const Inst& inst) {
  if (inst.op == Op::compute) return inst.get<Compute>();
  if (inst.op != Op::element) return {};
  std::vector<ExprId> subscripts;
  for (size_t i = 1; i < inst.args.size(); ++i) {
    const auto constant = constants.find(inst.args[i]);
    if (constant == constants.end()) return {};
    subscripts.push_back(function.exprs.constant(constant->second));
  }
  const DType type = module.type(function, inst.args[0]).dtype;
  return Compute{{}, {function.exprs.read(inst.args[0], type, std::move(subscripts))}, {}};
}

}  // namespace tenon::opt
