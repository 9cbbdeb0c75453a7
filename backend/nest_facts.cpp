#include "backend/nest_facts.h"

#include <algorithm>

namespace tenon::backend {

using namespace ir::loops;
using runtime::DType;
using runtime::ScalarOp;

namespace {

constexpr int64_t kMaxLanes = 256;

/// Whether two expressions, of subscripts, are the same one.
bool same(const ExprPtr& a, const ExprPtr& b) {
  if (a == b) return true;
  if (a->node.index() != b->node.index() || a->type != b->type) return false;
  if (const auto* constant = std::get_if<Constant>(&a->node))
    return constant->value == std::get<Constant>(b->node).value;
  if (const auto* loop = std::get_if<Loop>(&a->node))
    return loop->loop == std::get<Loop>(b->node).loop;
  const auto* apply = std::get_if<Apply>(&a->node);
  return apply != nullptr && apply->op == std::get<Apply>(b->node).op &&
         std::ranges::equal(apply->args, std::get<Apply>(b->node).args, same);
}

}  // namespace

int64_t bytes_of(const ir::Type& type) {
  int64_t bytes = runtime::row(type.dtype).bytes;
  for (int64_t extent : type.shape)
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return INT64_MAX;
  return bytes;
}

// ---- fusing

void Fusible::visit(const Block& block) {
  for (const Stmt& stmt : block) {
    for_each_expr(stmt, [&](const ExprPtr& e) { use(e, false); });
    for_each_block(stmt, [&](const Block& inner) { visit(inner); });
  }
}

void Fusible::use(const ExprPtr& e, bool in_sum) {
  if (e == nullptr) return;
  const auto* apply = std::get_if<Apply>(&e->node);
  const bool floating = apply != nullptr && runtime::is_floating(e->type);
  if (floating && apply->op == ScalarOp::mul) (in_sum ? products_ : used_).insert(e.get());
  if (!visited_.insert(e.get()).second) return;
  for_each_operand(*e, [&](const ExprPtr& o) { use(o, floating && is_sum(apply->op)); });
}

// ---- loops and locals

std::optional<Turns> constant_turns(const For& loop) {
  const std::optional<int64_t> lo = constant_of(loop.lo), hi = constant_of(loop.hi);
  if (!lo || !hi) return std::nullopt;
  return Turns{*lo, *hi};
}

ExprPtr combined_with(const SetLocal& set) {
  const auto* step = std::get_if<Apply>(&set.value->node);
  if (step == nullptr || step->args.size() != 2) return nullptr;
  const auto is_target = [&](const ExprPtr& e) {
    const auto* local = std::get_if<Local>(&e->node);
    return local != nullptr && local->local == set.local &&
           std::ranges::equal(local->subscripts, set.subscripts, same);
  };
  if (!runtime::is_commutative(step->op) || step->args[0]->type != set.value->type) return nullptr;
  if (is_target(step->args[0])) return step->args[1];
  return is_target(step->args[1]) ? step->args[0] : nullptr;
}

bool is_scheduled(const Kernel& kernel) {
  bool scheduled = false;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    scheduled = scheduled || (loop != nullptr && loop->kind != LoopKind::serial);
  });
  return scheduled;
}

// ---- side by side

namespace {

/// Tells, once per expression, whether it differs between the turns.
class Differing {
 public:
  Differing(LoopId lane, const Varying& locals) : lane_(lane), locals_(locals) {}

  bool test(const ExprPtr& e) {
    if (e == nullptr) return false;
    const auto [at, added] = known_.emplace(e.get(), false);
    if (!added) return at->second;
    bool differs = false;
    if (const auto* loop = std::get_if<Loop>(&e->node)) differs = loop->loop == lane_;
    if (const auto* local = std::get_if<Local>(&e->node)) differs = locals_.contains(local->local);
    for_each_operand(*e, [&](const ExprPtr& o) { differs = test(o) || differs; });
    return known_[e.get()] = differs;
  }
  bool test(const std::vector<ExprPtr>& exprs) {
    return std::ranges::any_of(exprs, [&](const ExprPtr& e) { return test(e); });
  }

 private:
  LoopId lane_;
  const Varying& locals_;
  std::map<const Expr*, bool> known_;
};

/// The body of a vectorized loop, to be written side by side.
class Body {
 public:
  Body(const For& loop, const Kernel& kernel) : loop_(loop), kernel_(kernel) {}

  std::optional<Varying> varying() {
    declare();
    for (bool grown = true; grown;) {
      Differing differing(loop_.loop, varying_);
      grown = spread(differing);
    }
    Differing differing(loop_.loop, varying_);
    if (!fits(differing)) return std::nullopt;
    return std::move(varying_);
  }

 private:
  void declare() {
    for_each_stmt(loop_.body, [&](const Stmt& stmt) {
      if (const auto* set = std::get_if<SetLocal>(&stmt.node); set != nullptr && set->declares)
        declared_.insert(set->local);
      if (const auto* call = std::get_if<CallInto>(&stmt.node)) declared_.insert(call->local);
    });
  }

  bool spread(Differing& differing) {
    bool grown = false;
    for_each_stmt(loop_.body, [&](const Stmt& stmt) {
      const auto* set = std::get_if<SetLocal>(&stmt.node);
      if (set != nullptr && declared_.contains(set->local) && differing.test(set->value))
        grown = varying_.insert(set->local).second || grown;
      const auto* call = std::get_if<CallInto>(&stmt.node);
      if (call != nullptr && differing.test(call->args))
        grown = varying_.insert(call->local).second || grown;
    });
    return grown;
  }

  bool fits(Differing& differing) const {
    bool all = true;
    for_each_stmt(loop_.body, [&](const Stmt& stmt) {
      all = all && std::visit([&](const auto& node) { return fits(node, differing); }, stmt.node);
    });
    return all;
  }
  bool fits(const For& loop, Differing& differing) const {
    const bool plain = loop.kind == LoopKind::serial || loop.kind == LoopKind::unrolled;
    return plain && !differing.test(loop.lo) && !differing.test(loop.hi);
  }
  bool fits(const SetLocal& set, Differing& differing) const {
    const bool scalar = kernel_.locals[set.local].is_scalar();
    if (declared_.contains(set.local)) return scalar;
    return differing.test(set.subscripts) || combined_with(set) != nullptr;
  }
  bool fits(const If& branch, Differing& differing) const {
    return !differing.test(branch.condition);
  }
  bool fits(const Store&, Differing&) const { return true; }
  bool fits(const Prefetch&, Differing&) const { return true; }
  bool fits(const Check& check, Differing& differing) const {
    return !differing.test(std::vector{check.holds, check.a, check.b});
  }
  bool fits(const Barrier&, Differing&) const { return false; }
  bool fits(const Await&, Differing&) const { return false; }
  bool fits(const CallInto& call, Differing& differing) const {
    return call.in_lanes || !differing.test(call.args);
  }

  const For& loop_;
  const Kernel& kernel_;
  std::set<LocalId> declared_;
  Varying varying_;
};

}  // namespace

bool varies(const ExprPtr& e, LoopId lane, const Varying& locals) {
  return Differing(lane, locals).test(e);
}

std::optional<Varying> side_by_side(const For& loop, const Kernel& kernel) {
  const std::optional<Turns> turns = constant_turns(loop);
  if (!turns || turns->count() < 2 || turns->count() > kMaxLanes) return std::nullopt;
  return Body(loop, kernel).varying();
}

}  // namespace tenon::backend
