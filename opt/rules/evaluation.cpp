// Both sides are run on paper, once for every truth of the conditions in them. What counts is the
// order in which the variables come up first: computed again, a term gives the same or has failed
// already.
#include "opt/rules/evaluation.h"

#include <algorithm>

namespace tenon::opt {
namespace {

using namespace ir;

constexpr size_t kMaxConditions = 6;

class Evaluation {
 public:
  Evaluation(const RuleSet& rules, uint32_t failing) : rules_(rules), failing_(failing) {}

  bool is_same(ExprId left, ExprId right) {
    collect(left);
    collect(right);
    if (conditions_.size() > kMaxConditions) return false;
    for (truths_ = 0; truths_ < 1u << conditions_.size(); ++truths_) {
      if (order(left) != order(right)) return false;
    }
    return true;
  }

 private:
  /// The conditions that are neither literals nor made of others.
  void collect(ExprId root) {
    for_each_node(rules_.exprs(), root, [&](ExprId id) {
      if (rules_[id].kind == ExprKind::if_) collect_condition(rules_[id].args[0]);
    });
  }
  void collect_condition(ExprId id) {
    const Expr& node = rules_[id];
    if (node.kind == ExprKind::constant) return;
    if (node.kind == ExprKind::apply && is_connective(node.op)) {
      for (const ExprId arg : node.args) collect_condition(arg);
    } else if (std::ranges::find(conditions_, id) == conditions_.end()) {
      conditions_.push_back(id);
    }
  }
  static bool is_connective(ScalarOp op) {
    return op == ScalarOp::and_ || op == ScalarOp::or_ || op == ScalarOp::not_;
  }

  bool holds(ExprId id) const {
    const Expr& node = rules_[id];
    if (node.kind == ExprKind::constant) return node.constant.i != 0;
    if (node.kind == ExprKind::apply && node.op == ScalarOp::not_) return !holds(node.args[0]);
    if (node.kind == ExprKind::apply && node.op == ScalarOp::and_)
      return holds(node.args[0]) && holds(node.args[1]);
    if (node.kind == ExprKind::apply && node.op == ScalarOp::or_)
      return holds(node.args[0]) || holds(node.args[1]);
    const auto found = std::ranges::find(conditions_, id);
    return (truths_ >> (found - conditions_.begin()) & 1) != 0;
  }

  std::vector<uint32_t> order(ExprId root) const {
    std::vector<uint32_t> slots;
    run(root, slots);
    return slots;
  }
  void run(ExprId id, std::vector<uint32_t>& slots) const {
    const Expr& node = rules_[id];
    if (node.kind == ExprKind::value) {
      const Variable& v = rules_.variable(node);
      const bool counts = v.kind == Variable::term && (failing_ >> v.slot & 1) != 0;
      if (counts && std::ranges::find(slots, v.slot) == slots.end()) slots.push_back(v.slot);
    } else if (node.kind == ExprKind::if_) {
      run(node.args[0], slots);
      run(node.args[holds(node.args[0]) ? 1 : 2], slots);
    } else {
      for (const ExprId arg : node.args) run(arg, slots);
    }
  }

  const RuleSet& rules_;
  uint32_t failing_;
  std::vector<ExprId> conditions_;
  uint32_t truths_ = 0;
};

}  // namespace

bool same_evaluation(const RuleSet& rules, ExprId left, ExprId right, uint32_t failing) {
  return failing == 0 || Evaluation(rules, failing).is_same(left, right);
}

}  // namespace tenon::opt
