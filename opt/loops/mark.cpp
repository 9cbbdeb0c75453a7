// vectorize j by 16; unroll j by 4; parallel j: how the turns of a loop are taken. With a factor, the
// loop is split first, and the inner one marked; it has no name of its own then.
#include <fmt/format.h>

#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

/// `for j { S }` becomes `for j { KIND for jv in 0..factor { S } }`.
LoopId split_off(Kernel& kernel, const Directive& directive, std::string_view suffix, Mode mode) {
  const LoopId loop = find_loop(kernel, directive.loops[0]);
  const std::string inner = fresh_name(kernel, kernel.loops[loop] + std::string(suffix));
  const std::string outer = fresh_name(kernel, kernel.loops[loop] + "o");
  split(kernel,
        {ir::DirectiveKind::split_, {directive.loops[0]}, {outer, inner}, directive.factor}, mode);
  kernel.loops[find_loop(kernel, outer)] = kernel.loops[loop];
  return find_loop(kernel, inner);
}

/// Marks every loop `loop` with constant bounds; refuses if there is none.
void mark(Kernel& kernel, LoopId loop, LoopKind kind, const std::function<void(const For&)>& check) {
  bool marked = false;
  replace_loops(kernel.body, loop, [&](const For& found) -> Block {
    For result = found;
    if (turns_of(found)) {
      check(found);
      marked = true;
      result.kind = kind;
    }
    return {Stmt{std::move(result)}};
  });
  if (!marked)
    throw Refused{fmt::format("the number of turns of loop {} is not constant",
                              quoted(kernel.loops[loop]))};
}

// ---- lanes

class VectorCheck {
 public:
  VectorCheck(const Kernel& kernel, const For& loop, Mode mode)
      : kernel_(kernel), loop_(loop), mode_(mode) {}

  void run() {
    if (constant_of(loop_.lo) != 0) refuse("it does not begin at 0");
    for (const Stmt& stmt : loop_.body) statement(stmt);
    for (const LocalId local : changed_by(loop_.body)) carried(local);
  }

 private:
  [[noreturn]] void refuse(std::string_view reason) const {
    throw Refused{fmt::format("loop {} cannot be vectorized: {}", quoted(kernel_.loops[loop_.loop]),
                              reason)};
  }
  void statement(const Stmt& stmt) {
    if (std::holds_alternative<Check>(stmt.node)) refuse("it has a check, which may fail in one lane");
    if (const auto* call = std::get_if<CallInto>(&stmt.node)) {
      if (!call->in_lanes || mode_.gpu) refuse("it calls a function");
      own_.insert(call->local);
    }
    if (std::holds_alternative<Prefetch>(stmt.node)) refuse("it prefetches");
    if (const auto* inner = std::get_if<For>(&stmt.node)) {
      if (inner->kind == LoopKind::parallel || inner->kind == LoopKind::vectorized)
        refuse(fmt::format("loop {} in it is marked already", quoted(kernel_.loops[inner->loop])));
      uniform(inner->lo, "the range of a loop in it"), uniform(inner->hi, "the range of a loop in it");
    }
    if (const auto* branch = std::get_if<If>(&stmt.node)) uniform(branch->condition, "a branch in it");
    if (const auto* set = std::get_if<SetLocal>(&stmt.node); set != nullptr && set->declares)
      own_.insert(set->local);
    for_each_block(stmt, [&](const Block& block) {
      for (const Stmt& inner : block) statement(inner);
    });
  }
  void uniform(const ExprPtr& e, std::string_view what) const {
    if (varies(e)) refuse(fmt::format("{} depends on it", what));
  }
  bool varies(const ExprPtr& e) const {
    if (const auto* variable = std::get_if<Loop>(&e->node)) return variable->loop == loop_.loop;
    if (const auto* local = std::get_if<Local>(&e->node))
      if (own_.contains(local->local)) return true;
    bool found = false;
    for_each_operand(*e, [&](const ExprPtr& o) { found = found || varies(o); });
    return found;
  }
  // [snippet carried]
  void carried(LocalId local) const {
    if (own_element_each_turn(kernel_, loop_.body, local, loop_.loop)) return;
    const bool scalar = kernel_.locals[local].shape.empty();
    if (scalar && steps_of(kernel_, loop_.body, local, mode_)) return;
    refuse(fmt::format("{} goes from one turn to the next", quoted(kernel_, local)));
  }
  // [end]

  const Kernel& kernel_;
  const For& loop_;
  Mode mode_;
  std::set<LocalId> own_;
};

}  // namespace

void vectorize(Kernel& kernel, const Directive& directive, Mode mode) {
  const LoopId loop = directive.factor > 0 ? split_off(kernel, directive, "v", mode)
                                           : find_loop(kernel, directive.loops[0]);
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* around = std::get_if<For>(&stmt.node);
    if (around != nullptr && around->kind == LoopKind::vectorized && contains_loop(around->body, loop))
      throw Refused{fmt::format("loop {} around it is vectorized already",
                                quoted(kernel.loops[around->loop]))};
  });
  mark(kernel, loop, LoopKind::vectorized, [&](const For& found) {
    require_serial(kernel, found);
    VectorCheck(kernel, found, mode).run();
  });
}

void unroll(Kernel& kernel, const Directive& directive, Mode mode) {
  constexpr int64_t kMostTurns = 256;
  const LoopId loop = directive.factor > 0 ? split_off(kernel, directive, "u", mode)
                                           : find_loop(kernel, directive.loops[0]);
  mark(kernel, loop, LoopKind::unrolled, [&](const For& found) {
    require_serial(kernel, found);
    if (*turns_of(found) > kMostTurns)
      throw Refused{fmt::format("loop {} has {} turns; at most {} are written out",
                                quoted(kernel.loops[loop]), *turns_of(found), kMostTurns)};
  });
}

/// Faults of turns that run at once are sorted out by turn, which needs the loop to stand outermost.
void parallel(Kernel& kernel, const Directive& directive, Mode) {
  const LoopId loop = find_loop(kernel, directive.loops[0]);
  const std::string name = quoted(kernel.loops[loop]);
  bool outermost = false;
  for (const Stmt& stmt : kernel.body) {
    const auto* top = std::get_if<For>(&stmt.node);
    outermost |= top != nullptr && top->loop == loop;
  }
  if (kernel.may_fail && !outermost)
    throw Refused{fmt::format("the kernel may fail, and loop {} is not its outermost", name)};
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* around = std::get_if<For>(&stmt.node);
    if (around == nullptr || !contains_loop(around->body, loop)) return;
    if (around->kind == LoopKind::parallel || around->kind == LoopKind::vectorized)
      throw Refused{fmt::format("loop {} around it is {} already", quoted(kernel.loops[around->loop]),
                                ir::loops::kLoopKinds[static_cast<size_t>(around->kind)])};
  });
  // Where rfactor has put the parts together again, the loop stays serial.
  std::optional<LocalId> carried;
  bool marked = false;
  replace_loops(kernel.body, loop, [&](const For& found) -> Block {
    require_serial(kernel, found);
    for_each_stmt(found.body, [&](const Stmt& stmt) {
      const auto* inner = std::get_if<For>(&stmt.node);
      if (inner != nullptr && inner->kind == LoopKind::parallel)
        throw Refused{fmt::format("loop {} in it is parallel already", quoted(kernel.loops[inner->loop]))};
    });
    For result = found;
    std::optional<LocalId> own;
    for (const LocalId local : changed_by(found.body))
      if (!own_element_each_turn(kernel, found.body, local, loop)) own = local;
    if (own) carried = own;
    marked |= !own;
    if (!own && turns_of(found) != 1) result.kind = LoopKind::parallel;
    return {Stmt{std::move(result)}};
  });
  if (!marked)
    throw Refused{fmt::format("loop {} cannot be parallel: {} goes from one turn to the next", name,
                              quoted(kernel, *carried))};
}

/// Stores by whole vectors go past the caches.
void stream(Kernel& kernel, const Directive&, Mode) {
  const std::function<void(Block&, bool)> walk = [&](Block& block, bool in_lanes) {
    for (Stmt& stmt : block) {
      if (auto* loop = std::get_if<For>(&stmt.node))
        walk(loop->body, in_lanes || loop->kind == LoopKind::vectorized);
      if (auto* branch = std::get_if<If>(&stmt.node))
        walk(branch->then, in_lanes), walk(branch->otherwise, in_lanes);
      if (auto* store = std::get_if<Store>(&stmt.node)) store->stream = in_lanes;
    }
  };
  walk(kernel.body, false);
}

}  // namespace tenon::opt::loops
