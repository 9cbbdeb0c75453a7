#include "opt/analysis/contraction.h"

#include <algorithm>
#include <set>

namespace tenon::opt {
namespace {

using namespace ir;

struct Operand {
  std::set<uint32_t> levels;  ///< of the indices in it that are bound outside
  bool reads = false;
};

Operand operand(const Exprs& exprs, ExprId root) {
  Operand found;
  std::set<uint32_t> inner;
  for_each_node(exprs, root, [&](ExprId id) {
    const Expr& node = exprs[id];
    found.reads |= node.kind == ExprKind::read;
    if (node.kind == ExprKind::index) found.levels.insert(node.level);
    for (uint32_t i = 0; node.kind == ExprKind::reduce && i < node.reduce_rank(); ++i)
      inner.insert(node.level + i);
  });
  for (const uint32_t level : inner) found.levels.erase(level);
  return found;
}

}  // namespace

std::optional<Contraction> contraction_of(const Exprs& exprs, ExprId reduce) {
  const Expr& sum = exprs[reduce];
  if (sum.kind != ExprKind::reduce || sum.reduction != Reduction::sum) return {};
  const Expr& product = exprs[sum.reduce_body()];
  if (product.kind != ExprKind::apply || product.op != ScalarOp::mul) return {};
  const Operand left = operand(exprs, product.args[0]), right = operand(exprs, product.args[1]);
  if (!left.reads || !right.reads || product.args[0] == product.args[1]) return {};

  Contraction found{reduce, product.args[0], product.args[1], {}, {}, {}, {}};
  for (uint32_t i = 0; i < sum.reduce_rank(); ++i) found.summed.push_back(sum.level + i);
  for (uint32_t level = 0; level < sum.level; ++level) {
    const bool in_left = left.levels.contains(level), in_right = right.levels.contains(level);
    if (in_left && in_right) found.both.push_back(level);
    if (in_left && !in_right) found.left_only.push_back(level);
    if (!in_left && in_right) found.right_only.push_back(level);
  }
  return found;
}

std::vector<Contraction> contractions_in(const Exprs& exprs, std::span<const ExprId> bodies) {
  std::vector<Contraction> found;
  for_each_node(exprs, bodies, [&](ExprId id) {
    if (auto contraction = contraction_of(exprs, id)) found.push_back(std::move(*contraction));
  });
  return found;
}

bool has_reduction(const Exprs& exprs, std::span<const ExprId> bodies) {
  bool found = false;
  for_each_node(exprs, bodies, [&](ExprId id) { found |= exprs[id].kind == ExprKind::reduce; });
  return found;
}

bool has_reuse(const Exprs& exprs, std::span<const ExprId> bodies) {
  return std::ranges::any_of(contractions_in(exprs, bodies), &Contraction::has_reuse);
}

}  // namespace tenon::opt
