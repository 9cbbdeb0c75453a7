// What LoopKind asks of loops. Turns that are taken at once must not get into each other's way. Of
// that the text shows: a local from outside, or an output, is written at subscripts that differ
// from turn to turn; or, in the lanes of a vectorized loop, by steps of one operation that any
// order suits.
#include "ir/loops_verify_kinds.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/loops_launch.h"
#include "ir/loops_walk.h"

namespace tenon::ir::loops {

using Error = std::optional<std::string>;

namespace {

constexpr int64_t kMaxCopies = 4096;  ///< of a statement, by the unrolled loops around it

std::string described(const Kernel& kernel, const For& loop) {
  const std::string_view kind = kLoopKinds[static_cast<size_t>(loop.kind)];
  return fmt::format("{}{}loop `{}`", kind, kind.empty() ? "" : " ",
                     kernel.loops[loop.loop]);
}

bool is_bound(LoopKind kind) { return kind == LoopKind::block || kind == LoopKind::thread; }

/// Of a loop over the blocks or threads of a GPU.
Error bound_error(const Kernel& kernel, const For& loop, std::span<const For* const> around) {
  const std::string name = described(kernel, loop);
  const std::optional<int64_t> most = most_turns_of(loop);
  if (constant_of(loop.lo) != 0) return fmt::format("the {} does not begin at 0", name);
  if (!most || (loop.kind == LoopKind::block && !turns_of(loop)))
    return fmt::format("how many turns the {} has at most is not known", name);
  int nested = 1;
  for (const For* outer : around) {
    if (outer->kind == loop.kind) {
      ++nested;
      continue;
    }
    const bool fits = loop.kind == LoopKind::thread && outer->kind != LoopKind::vectorized &&
                      outer->kind != LoopKind::parallel && outer->kind != LoopKind::mma;
    if (!fits) return fmt::format("the {} stands inside the {}", name, described(kernel, *outer));
  }
  if (nested > 3) return fmt::format("the {} is the fourth in a row; there are three axes", name);
  return std::nullopt;
}

/// Of a loop that matrix units take: two or three in each other, of as many turns as these have.
Error mma_error(const Kernel& kernel, const For& loop, std::span<const For* const> around) {
  const std::string name = described(kernel, loop);
  const std::optional<int64_t> turns = turns_of(loop);
  if (constant_of(loop.lo) != 0 || (turns != 8 && turns != 16))
    return fmt::format("the {} does not run from 0 to 8 or 16", name);
  const auto nested = std::ranges::count(around, LoopKind::mma, [](const For* outer) { return outer->kind; });
  if (nested > 2) return fmt::format("the {} is the fourth in a row", name);
  for (const For* outer : around)
    if (outer->kind == LoopKind::vectorized || outer->kind == LoopKind::parallel)
      return fmt::format("the {} stands inside the {}", name, described(kernel, *outer));
  return std::nullopt;
}

/// The step that a statement takes, `a = a + e`: the node; null if it is none.
const Apply* step_of(const SetLocal& set) {
  if (set.value == nullptr || !set.subscripts.empty()) return nullptr;
  const auto* step = std::get_if<Apply>(&set.value->node);
  if (step == nullptr || step->args.size() != 2 || !runtime::is_commutative(step->op))
    return nullptr;
  const auto* so_far = std::get_if<Local>(&step->args[0]->node);
  return so_far != nullptr && so_far->local == set.local ? step : nullptr;
}

}  // namespace

Error kind_error(const Kernel& kernel, const For& loop, std::span<const For* const> around) {
  const std::string name = described(kernel, loop);
  const std::optional<int64_t> turns = turns_of(loop);
  if (loop.kind == LoopKind::unrolled || loop.kind == LoopKind::vectorized) {
    if (!turns) return fmt::format("the bounds of the {} are not constants", name);
  }
  if (loop.kind == LoopKind::vectorized && constant_of(loop.lo) != 0)
    return fmt::format("the {} does not begin at 0", name);
  if (loop.kind == LoopKind::unrolled) {
    int64_t copies = std::min(*turns, kMaxCopies + 1);
    for (const For* outer : around)
      if (outer->kind == LoopKind::unrolled)
        copies = std::min(copies * std::min(turns_of(*outer).value_or(1), kMaxCopies), kMaxCopies + 1);
    if (copies > kMaxCopies)
      return fmt::format("the {} is written out more than {} times", name, kMaxCopies);
  }
  if (is_bound(loop.kind)) return bound_error(kernel, loop, around);
  if (loop.kind == LoopKind::mma) return mma_error(kernel, loop, around);
  if (!at_once(loop.kind)) return std::nullopt;
  for (size_t i = around.size(); i-- > 0;) {
    const LoopKind outer = around[i]->kind;
    if (outer == LoopKind::vectorized || (loop.kind == LoopKind::parallel && at_once(outer)))
      return fmt::format("the {} stands inside the {}", name, described(kernel, *around[i]));
  }
  if (loop.kind == LoopKind::parallel && kernel.may_fail && !around.empty())
    return fmt::format("the kernel may fail, and the {} is not outermost", name);
  return std::nullopt;
}

namespace {

/// Lanes do; so do all threads of a block, and in a loop over threads those of a warp.
bool can_add_up(const For& loop, std::span<const For* const> around) {
  const bool is_outermost = std::ranges::count(around, LoopKind::thread, [](const For* outer) { return outer->kind; }) == 0;
  return loop.kind == LoopKind::vectorized ||
         (loop.kind == LoopKind::thread && (is_outermost || are_lanes_of_warp(loop, around)));
}

}  // namespace

TurnRules::TurnRules(const Kernel& kernel, const For& loop, std::span<const For* const> around,
                     std::vector<bool> outside)
    : kernel_(kernel),
      loop_(loop),
      name_("the " + described(kernel, loop)),
      adds_up_(can_add_up(loop, around)),
      outside_(std::move(outside)) {
  while (spread(loop.body)) known_.clear();
}

/// Whether it has found that a local varies of which that was not known.
bool TurnRules::spread(const Block& block) {
  bool grown = false;
  for (const Stmt& stmt : block) {
    if (const auto* set = std::get_if<SetLocal>(&stmt.node)) {
      if (!set->declares && is_outside(set->local)) changed_.insert(set->local);
      if (const Apply* step = step_of(*set)) steps_.emplace(set->local, step->op);
      if (varies(set->value) || any_varies(set->subscripts))
        grown |= varying_.insert(set->local).second;
    }
    if (const auto* call = std::get_if<CallInto>(&stmt.node))
      if (any_varies(call->args)) grown |= varying_.insert(call->local).second;
    for_each_block(stmt, [&](const Block& inner) { grown |= spread(inner); });
  }
  return grown;
}

bool TurnRules::varies(const ExprPtr& e) {
  if (e == nullptr) return false;
  if (const auto known = known_.find(e.get()); known != known_.end()) return known->second;
  bool found = false;
  if (const auto* loop = std::get_if<Loop>(&e->node)) found = loop->loop == loop_.loop;
  if (const auto* local = std::get_if<Local>(&e->node)) found = varying_.contains(local->local);
  for_each_operand(*e, [&](const ExprPtr& operand) { found |= varies(operand); });
  return known_[e.get()] = found;
}

bool TurnRules::any_varies(const std::vector<ExprPtr>& exprs) {
  return std::ranges::any_of(exprs, [&](const ExprPtr& e) { return varies(e); });
}

// ---- statements inside

Error TurnRules::error_of(const Stmt& stmt) {
  if (Error wrong = std::visit([&](const auto& node) { return error(node); }, stmt.node))
    return wrong;
  return read_error(stmt);
}

Error TurnRules::error(const For& inner) {
  if (!is_vectorized() || (!varies(inner.lo) && !varies(inner.hi))) return std::nullopt;
  return fmt::format("the bounds of loop `{}` depend on {}", kernel_.loops[inner.loop], name_);
}

Error TurnRules::error(const If& branch) {
  if (!is_vectorized() || !varies(branch.condition)) return std::nullopt;
  return fmt::format("a branch depends on {}", name_);
}

Error TurnRules::error(const Check&) {
  if (!is_vectorized()) return std::nullopt;
  return fmt::format("a check stands inside {}", name_);
}

Error TurnRules::error(const CallInto& call) {
  if (!is_vectorized() || call.in_lanes) return std::nullopt;
  return fmt::format("a call stands inside {}", name_);
}

Error TurnRules::error(const Store& store) {
  if (any_varies(store.subscripts)) return std::nullopt;
  return fmt::format("all turns of {} write one element of `%{}`", name_,
                     kernel_.buffers[store.buffer].name);
}

Error TurnRules::error(const SetLocal& set) {
  if (set.declares || !changed_.contains(set.local)) return std::nullopt;
  const std::string local = local_name(set.local);
  if (!kernel_.locals[set.local].is_scalar()) {
    if (any_varies(set.subscripts)) return std::nullopt;
    return fmt::format("all turns of {} write one element of `{}`", name_, local);
  }
  if (!takes_steps()) return fmt::format("the turns of {} all change `{}`", name_, local);
  const Apply* step = step_of(set);
  if (step == nullptr)
    return fmt::format("`{}` goes from one turn of {} to the next, and not by steps `a = a + e`",
                       local, name_);
  if (step->op != steps_.at(set.local))
    return fmt::format("the steps of `{}` in {} are of different operations", local, name_);
  if (!adds_up_)
    return fmt::format("the turns of {} put `{}` together, and are not a part of a warp", name_, local);
  return std::nullopt;
}

// ---- reads

/// What a step reads of its local before it changes it is the step's own.
Error TurnRules::read_error(const Stmt& stmt) {
  fine_.clear();
  const auto* set = std::get_if<SetLocal>(&stmt.node);
  if (const Apply* step = set == nullptr ? nullptr : step_of(*set))
    fine_.insert(step->args[0].get());
  Error wrong;
  for_each_expr(stmt, [&](const ExprPtr& e) {
    if (!wrong && e != nullptr) wrong = read_error(e);
  });
  return wrong;
}

Error TurnRules::read_error(const ExprPtr& e) {
  if (!fine_.insert(e.get()).second) return std::nullopt;
  const auto* local = std::get_if<Local>(&e->node);
  if (local != nullptr && changed_.contains(local->local)) {
    const bool is_scalar = kernel_.locals[local->local].is_scalar();
    if (is_scalar ? takes_steps() : !any_varies(local->subscripts))
      return fmt::format("a turn of {} reads what others change of `{}`", name_,
                         local_name(local->local));
  }
  Error wrong;
  for_each_operand(*e, [&](const ExprPtr& operand) {
    if (!wrong) wrong = read_error(operand);
  });
  return wrong;
}

}  // namespace tenon::ir::loops
