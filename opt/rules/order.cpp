#include "opt/rules/order.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace tenon::opt {
namespace {

using namespace ir;

struct Weight {
  ScalarOp op;
  int weight;
};
constexpr Weight kWeights[] = {
#define WEIGHT(op, weight) {ScalarOp::op, weight},
#include "opt/rules/weights.def"
};
static_assert(std::size(kWeights) == std::size(runtime::kScalarOps), "each operation has a weight");

constexpr int kLeafWeight = 1, kConvertWeight = 2, kIfWeight = 3;

/// An operation together with which of its operands are constants, as they are compared.
struct Symbol {
  int weight;
  int constants;  ///< 2: one on the left, 1: none, 0: none but on the right
  int row;
  uint32_t mask;
  auto operator<=>(const Symbol&) const = default;
};

class Order {
 public:
  Order(const RuleSet& rules, uint32_t constants) : rules_(rules), constants_(constants) {}

  // [snippet less]
  bool less(ExprId right, ExprId left) const {
    std::array<int, kMaxVariables> balance{};
    count(left, 1, balance);
    count(right, -1, balance);
    if (std::ranges::any_of(balance, [](int n) { return n < 0; })) return false;
    const int difference = weight(left) - weight(right);
    if (difference != 0) return difference > 0;
    if (is_leaf(left) || is_leaf(right)) return false;
    const Symbol on_left = symbol(left), on_right = symbol(right);
    if (on_left != on_right) return on_right < on_left;
    const std::vector<ExprId>&as = rules_[left].args, &bs = rules_[right].args;
    for (size_t i = 0; i < as.size(); ++i) {
      if (is_constant(as[i]) || as[i] == bs[i]) continue;  // the other is constant too
      return less(bs[i], as[i]);
    }
    return false;
  }
  // [end]

 private:
  bool is_constant(ExprId id) const {
    const Expr& node = rules_[id];
    if (node.kind == ExprKind::constant) return true;
    if (node.kind != ExprKind::value)
      return std::ranges::all_of(node.args, [&](ExprId arg) { return is_constant(arg); });
    const Variable& v = rules_.variable(node);
    return v.kind != Variable::term || (constants_ >> v.slot & 1) != 0;
  }
  bool is_leaf(ExprId id) const { return is_constant(id) || rules_[id].kind == ExprKind::value; }

  void count(ExprId id, int by, std::array<int, kMaxVariables>& balance) const {
    if (is_constant(id)) return;
    const Expr& node = rules_[id];
    if (node.kind == ExprKind::value) balance[rules_.variable(node).slot] += by;
    for (const ExprId arg : node.args) count(arg, by, balance);
  }

  int weight(ExprId id) const {
    if (is_leaf(id)) return kLeafWeight;
    const Expr& node = rules_[id];
    int sum = node.kind == ExprKind::convert ? kConvertWeight : kIfWeight;
    if (node.kind == ExprKind::apply) sum = kWeights[row(node.op)].weight;
    for (const ExprId arg : node.args) sum += weight(arg);
    return sum;
  }

  static int row(ScalarOp op) {
    return static_cast<int>(std::ranges::find(kWeights, op, &Weight::op) - std::begin(kWeights));
  }

  Symbol symbol(ExprId id) const {
    const Expr& node = rules_[id];
    uint32_t mask = 0;
    for (size_t i = 0; i < node.args.size(); ++i)
      mask |= static_cast<uint32_t>(is_constant(node.args[i])) << i;
    const int constants = mask == 0 ? 1 : (mask & 1) != 0 ? 2 : 0;
    if (node.kind == ExprKind::apply) {
      const int at = row(node.op);
      return {kWeights[at].weight, constants, at, mask};
    }
    if (node.kind == ExprKind::if_) return {kIfWeight, constants, -1, mask};
    const int type =
        static_cast<int>(node.type);  // conversions by what they give, below all others
    return {kConvertWeight, constants, -2 - type, mask};
  }

  const RuleSet& rules_;
  uint32_t constants_;
};

}  // namespace

bool goes_down(const RuleSet& rules, ExprId left, ExprId right, uint32_t constants) {
  return Order(rules, constants).less(right, left);
}

}  // namespace tenon::opt
