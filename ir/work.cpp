#include "ir/work.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "ir/counts.h"
#include "ir/loops_walk.h"

namespace tenon::ir::loops {
namespace {

class Counter {
 public:
  explicit Counter(const Kernel& kernel)
      : kernel_(kernel), middles_(kernel.loops.size()), accesses_(kernel.buffers.size()) {}

  Work run() {
    const double flops = block(kernel_.body, 1);
    Work work{flops, 0};
    for (size_t i = 0; i < accesses_.size(); ++i) {
      const auto& [dtype, shape] = kernel_.buffers[i].type;
      const auto all = static_cast<double>(runtime::byte_count(dtype, shape).value_or(0));
      work.bytes += std::min(all, accesses_[i] * runtime::row(dtype).bytes);
    }
    return work;
  }

 private:
  /// The operations of a block that is run so many times.
  double block(const Block& stmts, double times) {
    double flops = 0;
    const size_t known = order_.size();
    for (const Stmt& stmt : stmts) {
      for_each_expr(stmt, [&](const ExprPtr& e) { flops += expr(e, times); });
      if (const auto* loop = std::get_if<For>(&stmt.node)) {
        const double lo = number(loop->lo), hi = number(loop->hi);
        middles_[loop->loop] = (lo + hi) / 2;
        if (lo < hi) flops += block(loop->body, times * (hi - lo));
      } else if (const auto* branch = std::get_if<If>(&stmt.node)) {
        flops += std::max(block(branch->then, times), block(branch->otherwise, times));
      } else if (const auto* store = std::get_if<Store>(&stmt.node)) {
        accesses_[store->buffer] += times;
      }
    }
    // An expression stands for its value in the rest of the block where it was first met.
    for (; order_.size() > known; order_.pop_back()) known_.erase(order_.back());
    return flops;
  }

  double expr(const ExprPtr& e, double times) {
    if (e == nullptr || !known_.insert(e.get()).second) return 0;
    order_.push_back(e.get());
    double flops = 0;
    for_each_operand(*e, [&](const ExprPtr& operand) { flops += expr(operand, times); });
    if (const auto* read = std::get_if<Read>(&e->node)) accesses_[read->buffer] += times;
    if (const auto* apply = std::get_if<Apply>(&e->node)) flops += times * flops_of(apply->op, e->type);
    return flops;
  }

  /// Of a bound: its value in the middle of the loops around it.
  double number(const ExprPtr& e) const {
    if (const std::optional<int64_t> constant = constant_of(e)) return static_cast<double>(*constant);
    if (const auto* loop = std::get_if<Loop>(&e->node)) return middles_[loop->loop];
    const auto* apply = std::get_if<Apply>(&e->node);
    if (apply == nullptr || apply->args.size() != 2) return 0;
    const double a = number(apply->args[0]), b = number(apply->args[1]);
    switch (apply->op) {
      case ScalarOp::add: return a + b;
      case ScalarOp::sub: return a - b;
      case ScalarOp::mul: return a * b;
      case ScalarOp::div: return b == 0 ? 0 : a / b;
      case ScalarOp::min: return std::min(a, b);
      case ScalarOp::max: return std::max(a, b);
      default: return 0;
    }
  }

  const Kernel& kernel_;
  std::vector<double> middles_;   ///< by loop
  std::vector<double> accesses_;  ///< by buffer
  std::unordered_set<const Expr*> known_;
  std::vector<const Expr*> order_;  ///< of known_
};

}  // namespace

Work work_of(const Kernel& kernel) {
  return Counter(kernel).run();
}

}  // namespace tenon::ir::loops
