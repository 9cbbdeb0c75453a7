#include "ir/levels.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::ir {

uint32_t LevelsNeeded::of(ExprId id) {
  if (const auto found = known_.find(id); found != known_.end()) return found->second;
  const Expr& node = exprs_[id];
  uint32_t levels = node.kind == ExprKind::index ? node.level + 1 : 0;
  for (size_t i = 0; i < node.args.size(); ++i) {
    uint32_t inside = of(node.args[i]);
    // A reduction's own indices are bound by it; its body may still need none of those around it.
    const bool is_body = node.kind == ExprKind::reduce && i + 1 == node.args.size();
    if (is_body && inside > node.level) inside = outside(node);
    levels = std::max(levels, inside);
  }
  return known_[id] = levels;
}

/// The levels around a reduction that its body needs.
uint32_t LevelsNeeded::outside(const Expr& reduce) const {
  uint32_t levels = 0;
  for_each_node(exprs_, reduce.reduce_body(), [&](ExprId id) {
    const Expr& node = exprs_[id];
    if (node.kind == ExprKind::index && node.level < reduce.level)
      levels = std::max(levels, node.level + 1);
  });
  return levels;
}

bool has_index(const Exprs& exprs, ExprId body, uint32_t level) {
  bool found = false;
  for_each_node(exprs, body, [&](ExprId id) {
    found = found || (exprs[id].kind == ExprKind::index && exprs[id].level == level);
  });
  return found;
}

bool is_worth_hoisting(const Expr& node) {
  return node.kind == ExprKind::reduce || node.kind == ExprKind::call ||
         ((node.kind == ExprKind::apply || node.kind == ExprKind::read) &&
          runtime::is_floating(node.type));
}

namespace {

class KeyWriter {
 public:
  KeyWriter(const Exprs& exprs, uint32_t level) : exprs_(exprs), level_(level) {}

  /// A node that is met again is named by its number, so that the text is no longer than the graph.
  void write(ExprId id) {
    const Expr& node = exprs_[id];
    if (node.kind != ExprKind::index && node.args.empty()) {
      text_ += fmt::format("={} ", id.index);  // equal ones are one
      return;
    }
    const auto [met, is_new] = met_.emplace(id, met_.size());
    if (!is_new) {
      text_ += fmt::format("#{} ", met->second);
      return;
    }
    text_ += fmt::format("({} {} {} {} {} {} {} ", static_cast<int>(node.kind), static_cast<int>(node.type),
                         static_cast<int>(node.op), static_cast<int>(node.reduction), node.value.index,
                         node.callee.index, node.place);
    // Bound inside: by the distance; around the reduction: by the level.
    if (node.kind == ExprKind::index || node.kind == ExprKind::reduce)
      text_ += node.level >= level_ ? fmt::format("+{} ", node.level - level_) : fmt::format("{} ", node.level);
    for (const ExprId arg : node.args) write(arg);
    text_ += ") ";
  }
  std::string take() { return std::move(text_); }

 private:
  const Exprs& exprs_;
  const uint32_t level_;
  std::unordered_map<ExprId, size_t> met_;
  std::string text_;
};

}  // namespace

std::string key_of_reduction(const Exprs& exprs, ExprId reduce) {
  KeyWriter writer(exprs, exprs[reduce].level);
  writer.write(reduce);
  return writer.take();
}

}  // namespace tenon::ir
