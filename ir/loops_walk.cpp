#include "ir/loops_walk.h"

#include <unordered_set>

namespace tenon::ir::loops {

void for_each_stmt(const Block& block, const std::function<void(const Stmt&)>& visit) {
  for (const Stmt& stmt : block) {
    visit(stmt);
    for_each_block(stmt, [&](const Block& inner) { for_each_stmt(inner, visit); });
  }
}

void for_each_node(const Block& block, const std::function<void(const ExprPtr&)>& visit) {
  std::unordered_set<const Expr*> seen;
  const std::function<void(const ExprPtr&)> walk = [&](const ExprPtr& e) {
    if (e == nullptr || !seen.insert(e.get()).second) return;
    for_each_operand(*e, walk);
    visit(e);
  };
  for_each_stmt(block, [&](const Stmt& stmt) { for_each_expr(stmt, walk); });
}

std::optional<int64_t> constant_of(const ExprPtr& e) {
  const auto* constant = std::get_if<Constant>(&e->node);
  if (constant == nullptr || !runtime::is_integer(e->type)) return {};
  return constant->value.i;
}

std::optional<int64_t> turns_of(const For& loop) {
  const std::optional<int64_t> lo = constant_of(loop.lo), hi = constant_of(loop.hi);
  if (!lo || !hi) return {};
  int64_t turns;
  if (__builtin_sub_overflow(*hi, *lo, &turns)) return *hi < *lo ? 0 : INT64_MAX;
  return std::max<int64_t>(turns, 0);
}

std::optional<int64_t> most_turns_of(const For& loop) {
  if (const std::optional<int64_t> turns = turns_of(loop)) return turns;
  const auto* lesser = std::get_if<Apply>(&loop.hi->node);
  if (lesser == nullptr || lesser->op != ScalarOp::min) return {};
  return constant_of(lesser->args[0]);
}

// ---- copies

Block Copier::block(const Block& block) {
  Block copy;
  copy.reserve(block.size());
  for (const Stmt& s : block) copy.push_back(stmt(s));
  return copy;
}

Stmt Copier::stmt(const Stmt& stmt) {
  const auto copy = [&](const auto& node) -> Stmt {
    using Node = std::decay_t<decltype(node)>;
    Node made = node;
    if constexpr (std::is_same_v<Node, For>) {
      made.lo = expr(node.lo), made.hi = expr(node.hi), made.body = block(node.body);
    } else if constexpr (std::is_same_v<Node, If>) {
      made.condition = expr(node.condition);
      made.then = block(node.then), made.otherwise = block(node.otherwise);
    } else if constexpr (std::is_same_v<Node, Check>) {
      made.holds = expr(node.holds), made.a = expr(node.a), made.b = expr(node.b);
    } else if constexpr (std::is_same_v<Node, CallInto>) {
      made.args = exprs(node.args);
    } else if constexpr (!std::is_same_v<Node, Barrier> && !std::is_same_v<Node, Await>) {
      made.subscripts = exprs(node.subscripts);
      if constexpr (!std::is_same_v<Node, Prefetch>) made.value = expr(node.value);
    }
    return {std::move(made), stmt.span};
  };
  return std::visit(copy, stmt.node);
}

Subscripts Copier::exprs(const Subscripts& list) {
  Subscripts copy;
  copy.reserve(list.size());
  for (const ExprPtr& e : list) copy.push_back(expr(e));
  return copy;
}

ExprPtr Copier::expr(const ExprPtr& e) {
  if (e == nullptr) return nullptr;
  if (const auto found = copies_.find(e.get()); found != copies_.end()) return found->second;
  bool changed = false;
  const auto operand = [&](const ExprPtr& o) {
    ExprPtr copy = expr(o);
    changed |= copy != o;
    return copy;
  };
  const auto list = [&](const Subscripts& operands) {
    Subscripts copy;
    for (const ExprPtr& o : operands) copy.push_back(operand(o));
    return copy;
  };
  Expr made = *e;
  if (auto* read = std::get_if<Read>(&made.node)) {
    read->subscripts = list(read->subscripts);
    if (read->guard != nullptr) read->guard = operand(read->guard);
  }
  if (auto* local = std::get_if<Local>(&made.node)) local->subscripts = list(local->subscripts);
  if (auto* apply = std::get_if<Apply>(&made.node)) apply->args = list(apply->args);
  if (auto* convert = std::get_if<Convert>(&made.node)) convert->operand = operand(convert->operand);
  if (auto* select = std::get_if<Select>(&made.node)) {
    select->condition = operand(select->condition);
    select->then = operand(select->then);
    select->otherwise = operand(select->otherwise);
  }
  ExprPtr copy = replace_(changed ? std::make_shared<const Expr>(std::move(made)) : e);
  kept_.push_back(e);
  copies_.emplace(e.get(), copy);
  return copy;
}

Block with_loop(const Block& block, LoopId loop, const ExprPtr& value) {
  Copier copier([&](const ExprPtr& e) {
    const auto* variable = std::get_if<Loop>(&e->node);
    return variable != nullptr && variable->loop == loop ? value : e;
  });
  return copier.block(block);
}

ExprPtr sum(ExprPtr a, ExprPtr b) {
  const std::optional<int64_t> left = constant_of(a), right = constant_of(b);
  if (left && right) return integer(*left + *right);
  if (left == 0) return b;
  if (right == 0) return a;
  return apply(ScalarOp::add, {std::move(a), std::move(b)});
}

ExprPtr product(ExprPtr a, int64_t factor) {
  if (const std::optional<int64_t> known = constant_of(a)) return integer(*known * factor);
  if (factor == 1) return a;
  return apply(ScalarOp::mul, {std::move(a), integer(factor)});
}

}  // namespace tenon::ir::loops
