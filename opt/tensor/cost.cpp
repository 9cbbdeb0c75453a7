#include "opt/tensor/cost.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "ir/levels.h"
#include "ir/straight.h"

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
  PointCost(const Module& module, const Function& function, const Compute& compute, bool may_fail)
      : module_(module),
        function_(function),
        compute_(compute),
        may_fail_(may_fail),
        levels_needed_(function.exprs) {
    const size_t rank = compute.extents.size();
    scopes_.resize(rank + 1, {0, 1});
    for (size_t level = rank; level-- > 0;) {
      const double turns = std::max(1.0, static_cast<double>(compute.extents[level]));
      scopes_[level] = {kAround - level, scopes_[level + 1].times / turns};
    }
  }

  double run() {
    for (const ExprId body : compute_.bodies) {
      walk(body, static_cast<uint32_t>(compute_.extents.size()), false);
      cost_ += bytes_of(function_.exprs[body].type) * kStoredByte;
    }
    return cost_;
  }

 private:
  /// A loop by the one around it, the level of its indices, and their bounds: reductions that agree
  /// in these share it (ir/loops_lower.cpp).
  using Loop = size_t;
  static constexpr Loop kAround = ~size_t{0};  ///< and down from it: the loops over the domain

  /// Where a number of levels is bound: in which loop, and how often it runs for each point.
  struct Scope {
    Loop loop;
    double times;
  };

  Loop loop_of(const Expr& reduce, Loop around) {
    std::vector<size_t> key = {around, reduce.level};
    for (size_t i = 0; i + 1 < reduce.args.size(); ++i) key.push_back(reduce.args[i].index);
    return loops_.emplace(std::move(key), loops_.size() + 1).first->second;
  }

  /// `levels` are bound around the node, `address` is whether it is (part of) a subscript. It is
  /// computed where no more are bound than it needs, but not in front of the branch that it stands in.
  void walk(ExprId id, uint32_t levels, bool address) {
    const Expr& node = function_.exprs[id];
    if (!may_fail_ && is_worth_hoisting(node))
      levels = std::min(levels, std::max(branch_, levels_needed_.of(id)));
    const Scope scope = scopes_[levels];
    if (!seen_.emplace(id, scope.loop, address).second) return;
    const bool reduces = node.kind == ExprKind::reduce;
    if (reduces && !reductions_.emplace(scope.loop, key_of_reduction(function_.exprs, id)).second) return;
    cost_ += scope.times * cost_of_node(node, address);
    if (node.kind == ExprKind::if_) return walk_branches(node, levels, address);
    for (size_t i = 0; i + (reduces ? 1 : 0) < node.args.size(); ++i)
      walk(node.args[i], levels, address || node.kind == ExprKind::read);
    if (reduces) walk_body(node, scope);
  }

  void walk_branches(const Expr& node, uint32_t levels, bool address) {
    walk(node.args[0], levels, address);
    const uint32_t around = std::exchange(branch_, levels);
    for (const size_t i : {1, 2}) walk(node.args[i], levels, address);
    branch_ = around;
  }

  void walk_body(const Expr& reduce, Scope around) {
    const auto inside = static_cast<uint32_t>(reduce.level + reduce.reduce_rank());
    const std::vector<Scope> outside = scopes_;
    scopes_.resize(inside + 1, around);
    for (uint32_t level = reduce.level + 1; level <= inside; ++level) scopes_[level] = around;
    scopes_[inside] = {loop_of(reduce, around.loop), around.times * turns(reduce)};
    walk(reduce.reduce_body(), inside, false);
    scopes_ = outside;
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
      case ExprKind::call: return cost_of_call(module_.function(node.callee));
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

  double cost_of_call(const Function& callee) const {
    if (const std::optional<size_t> size = straight_size(module_, callee)) return static_cast<double>(*size);
    double count = callee.recursive ? kUnknownTurns : kCall;
    for (const Block& block : callee.blocks) count += static_cast<double>(block.insts.size());
    return count;
  }

  const Module& module_;
  const Function& function_;
  const Compute& compute_;
  const bool may_fail_;
  LevelsNeeded levels_needed_;
  std::vector<Scope> scopes_;  ///< by the number of levels
  uint32_t branch_ = 0;        ///< the levels around the branch that is being walked
  std::map<std::vector<size_t>, Loop> loops_;
  std::set<std::tuple<ExprId, Loop, bool>> seen_;
  std::set<std::pair<Loop, std::string>> reductions_;
  double cost_ = 0;
};

}  // namespace

double cost_of_point(const Module& module, const Function& function, const Compute& compute,
                     bool may_fail) {
  return PointCost(module, function, compute, may_fail).run();
}

// [snippet cost]
double cost_of(const Module& module, const Function& function, const Compute& compute, bool may_fail) {
  double cost =
      kKernel + elements_of(compute.extents) * cost_of_point(module, function, compute, may_fail);
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
