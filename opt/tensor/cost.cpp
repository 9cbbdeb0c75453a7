#include "opt/tensor/cost.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace tenon::opt {
namespace {

using namespace ir;

double bytes_of(DType type) { return static_cast<double>(runtime::row(type).bytes); }

/// Half as many numbers of eight bytes fit a vector; small floats are computed as f32.
double lanes_of(DType type) { return std::max(1.0, bytes_of(type) / 4); }

double elements_of(const Shape& shape) {
  double elements = 1;
  for (const int64_t extent : shape) elements *= static_cast<double>(extent);
  return elements;
}

double traffic_of(const Shape& shape, DType type) {
  const double bytes = elements_of(shape) * bytes_of(type);
  return bytes > kCacheBytes ? bytes * kMemoryByte : 0;
}

class PointCost {
 public:
  PointCost(const Module& module, const Function& function) : module_(module), function_(function) {}

  double of(const Compute& compute) {
    for (const ExprId body : compute.bodies) {
      walk(body, 0, 1, false);
      cost_ += bytes_of(function_.exprs[body].type) * kStoredByte;
    }
    return cost_;
  }

 private:
  /// A loop by the one around it, the level of its indices, and their bounds: reductions that agree
  /// in these share it (ir/loops_lower.cpp).
  using Loop = size_t;

  Loop loop_of(const Expr& reduce, Loop around) {
    std::vector<uint32_t> key = {static_cast<uint32_t>(around), reduce.level};
    for (size_t i = 0; i + 1 < reduce.args.size(); ++i) key.push_back(reduce.args[i].index);
    return loops_.emplace(std::move(key), loops_.size() + 1).first->second;
  }

  /// `times` is how often the node is evaluated in its loop, `address` whether it is (part of) a
  /// subscript.
  void walk(ExprId id, Loop loop, double times, bool address) {
    if (!seen_.emplace(id, loop, address).second) return;
    const Expr& node = function_.exprs[id];
    cost_ += times * cost_of_node(node, address);
    const bool reduces = node.kind == ExprKind::reduce;
    for (size_t i = 0; i + (reduces ? 1 : 0) < node.args.size(); ++i)
      walk(node.args[i], loop, times, address || node.kind == ExprKind::read);
    if (reduces) walk(node.reduce_body(), loop_of(node, loop), times * turns(node), false);
  }

  double cost_of_node(const Expr& node, bool address) const {
    switch (node.kind) {
      case ExprKind::constant:
      case ExprKind::index:
      case ExprKind::value: return 0;
      case ExprKind::read: return bytes_of(node.type) * kLoadedByte;
      case ExprKind::apply: return cost_of_apply(node, address);
      case ExprKind::convert: return address ? 0 : lanes_of(node.type);
      case ExprKind::if_: return lanes_of(node.type);
      case ExprKind::reduce: return turns(node) * lanes_of(function_.exprs[node.args.back()].type);
      case ExprKind::call: return kCall + instructions(module_.function(node.callee));
    }
    return 0;
  }

  double cost_of_apply(const Expr& node, bool address) const {
    const double lanes = lanes_of(function_.exprs[node.args.back()].type);
    switch (node.op) {
      case ScalarOp::add:
      case ScalarOp::sub:
      case ScalarOp::mul: return address ? 0 : lanes;
      case ScalarOp::div:
      case ScalarOp::mod:
        if (runtime::is_floating(node.type)) return lanes * kDivision;
        return function_.exprs[node.args[1]].kind == ExprKind::constant ? kConstantDivision
                                                                        : kIntegerDivision;
      case ScalarOp::sqrt: return lanes * kDivision;
      case ScalarOp::rsqrt: return lanes * 2 * kDivision;
      case ScalarOp::exp:
      case ScalarOp::log:
      case ScalarOp::log2:
      case ScalarOp::sin:
      case ScalarOp::cos:
      case ScalarOp::tanh:
      case ScalarOp::erf: return lanes * kElementary;
      case ScalarOp::pow: return lanes * 2 * kElementary;
      default: return lanes;
    }
  }

  double turns(const Expr& reduce) const {
    double turns = 1;
    for (size_t i = 0; i < reduce.reduce_rank(); ++i) {
      const Expr& lo = function_.exprs[reduce.args[2 * i]];
      const Expr& hi = function_.exprs[reduce.args[2 * i + 1]];
      const bool known = lo.kind == ExprKind::constant && hi.kind == ExprKind::constant;
      const double count =
          static_cast<double>(hi.constant.i) - static_cast<double>(lo.constant.i);
      turns *= known ? std::max(0.0, count) : kUnknownTurns;
    }
    return turns;
  }

  static double instructions(const Function& callee) {
    double count = callee.recursive ? kUnknownTurns : 0;
    for (const Block& block : callee.blocks) count += static_cast<double>(block.insts.size());
    return count;
  }

  const Module& module_;
  const Function& function_;
  std::map<std::vector<uint32_t>, Loop> loops_;
  std::set<std::tuple<ExprId, Loop, bool>> seen_;
  double cost_ = 0;
};

}  // namespace

double cost_of_point(const Module& module, const Function& function, const Compute& compute) {
  return PointCost(module, function).of(compute);
}

// [snippet cost]
double cost_of(const Module& module, const Function& function, const Compute& compute) {
  double cost = kKernel + elements_of(compute.extents) * cost_of_point(module, function, compute);
  for (const ExprId body : compute.bodies)
    cost += traffic_of(compute.extents, function.exprs[body].type);
  std::set<ValueId> read;
  for_each_node(function.exprs, compute.bodies, [&](ExprId id) {
    const Expr& node = function.exprs[id];
    if (node.kind == ExprKind::read && read.insert(node.value).second)
      cost += traffic_of(module.type(function, node.value).shape, node.type);
  });
  return cost;
}
// [end]

}  // namespace tenon::opt
