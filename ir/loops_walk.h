// Walks over loop nests, and copies of them with something replaced.
#pragma once
#include <functional>
#include <set>
#include <unordered_map>

#include "ir/loops_build.h"

namespace tenon::ir::loops {

using Subscripts = std::vector<ExprPtr>;

/// The expressions that an expression has as operands.
template <class Visit>
void for_each_operand(const Expr& e, const Visit& visit) {
  const auto all = [&](const Subscripts& exprs) {
    for (const ExprPtr& s : exprs) visit(s);
  };
  if (const auto* read = std::get_if<Read>(&e.node)) {
    all(read->subscripts);
    if (read->guard != nullptr) visit(read->guard);
  }
  if (const auto* local = std::get_if<Local>(&e.node)) all(local->subscripts);
  if (const auto* apply = std::get_if<Apply>(&e.node)) all(apply->args);
  if (const auto* convert = std::get_if<Convert>(&e.node)) visit(convert->operand);
  if (const auto* select = std::get_if<Select>(&e.node))
    visit(select->condition), visit(select->then), visit(select->otherwise);
}

/// The expressions that a statement itself uses, not those of blocks inside it; null where it has none.
template <class Visit>
void for_each_expr(const Stmt& stmt, const Visit& visit) {
  const auto all = [&](const Subscripts& exprs) {
    for (const ExprPtr& e : exprs) visit(e);
  };
  std::visit(
      [&](const auto& node) {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, For>) visit(node.lo), visit(node.hi);
        if constexpr (std::is_same_v<Node, SetLocal>) all(node.subscripts), visit(node.value);
        if constexpr (std::is_same_v<Node, If>) visit(node.condition);
        if constexpr (std::is_same_v<Node, Store>) all(node.subscripts), visit(node.value);
        if constexpr (std::is_same_v<Node, Prefetch>) all(node.subscripts);
        if constexpr (std::is_same_v<Node, Check>) visit(node.holds), visit(node.a), visit(node.b);
        if constexpr (std::is_same_v<Node, CallInto>) all(node.args);
      },
      stmt.node);
}

/// The blocks inside a statement.
template <class Visit>
void for_each_block(const Stmt& stmt, const Visit& visit) {
  if (const auto* loop = std::get_if<For>(&stmt.node)) visit(loop->body);
  if (const auto* branch = std::get_if<If>(&stmt.node)) visit(branch->then), visit(branch->otherwise);
}

/// Every statement of a block and of those inside it, outer ones first.
void for_each_stmt(const Block& block, const std::function<void(const Stmt&)>& visit);

/// Every expression object of a block and of those inside it, once, operands first.
void for_each_node(const Block& block, const std::function<void(const ExprPtr&)>& visit);

/// The number that an expression is, if it is a constant.
std::optional<int64_t> constant_of(const ExprPtr& e);
/// The turns of a loop, where its bounds are constants.
std::optional<int64_t> turns_of(const For& loop);
/// The same of one from 0; or, where that is the lesser of a constant and something, the constant.
std::optional<int64_t> most_turns_of(const For& loop);

/// A copy of statements in which expressions are replaced. Objects that are shared stay shared: what
/// is copied through one Copier is one copy.
class Copier {
 public:
  /// What an expression becomes whose operands have been replaced; itself where it stays.
  using Replace = std::function<ExprPtr(const ExprPtr&)>;
  explicit Copier(Replace replace) : replace_(std::move(replace)) {}

  Block block(const Block& block);
  Stmt stmt(const Stmt& stmt);
  ExprPtr expr(const ExprPtr& e);  ///< null stays null
  Subscripts exprs(const Subscripts& list);

 private:
  Replace replace_;
  std::unordered_map<const Expr*, ExprPtr> copies_;
  std::vector<ExprPtr> kept_;  ///< the keys of copies_ stay alive, so that no address comes again
};

/// A copy in which a loop's variable is something else.
Block with_loop(const Block& block, LoopId loop, const ExprPtr& value);

/// Integer arithmetic with what is constant computed: x + 0, x * 1 and the like.
ExprPtr sum(ExprPtr a, ExprPtr b);
ExprPtr product(ExprPtr a, int64_t factor);

}  // namespace tenon::ir::loops
