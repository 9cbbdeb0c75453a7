// order jo, i, k, ji: the loops named, from outside to inside; others stay where they are. A loop moves
// outward past the loop P around it in two steps. First P is taken apart (fission), so that the loop
// stands alone in it; what P's body declares before and needs after gets an element for every turn of
// P (scalar expansion). Then the two change places (interchange):
//
//     for j in 0..8 {               local a: f32[8]
//       local a = 0.0               for j in 0..8 { a[j] = 0.0 }
//       for k in 0..64 {            for k in 0..64 {
//         a = a + %x[k] * %w[k, j]    for j in 0..8 { a[j] = a[j] + %x[k] * %w[k, j] }
//       }                           }
//       %y[j] = a                   for j in 0..8 { %y[j] = a[j] }
//     }
//
// Allen and Kennedy, "Automatic translation of Fortran programs to vector form", TOPLAS 1987, has both.
#include <fmt/format.h>

#include <algorithm>

#include "opt/loops/access.h"
#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

class Mover {
 public:
  Mover(Kernel& kernel, Mode mode) : kernel_(kernel), mode_(mode) {}

  /// What stands in the place of `outer` once the loop `inner`, somewhere in it, is outside.
  Block raise(For outer, LoopId inner);

 private:
  void raise_within(Block& block, LoopId inner);
  void sink_cheap(Block& block) const;
  void expand(const For& outer, LoopId inner, std::vector<Block>& parts, Block& result);
  void refuse_sums_at_once(const Block& block, const std::set<LocalId>& expanded, LoopId inner) const;
  void check_fission(const For& outer, const std::vector<Block>& parts,
                     const std::set<LocalId>& own) const;
  void check_serial(const For& loop) const;
  void check_interchange(const For& outer, const For& inner) const;

  Kernel& kernel_;
  Mode mode_;
};

constexpr int kCheap = 8;  ///< operations of an expression that is worked out again rather than kept in an array

/// Operations on elements of tensors and on loops' variables, of which sums of multiples are free; too many where a
/// local is needed.
int operations(const ExprPtr& e) {
  if (e == nullptr || linear_form(e)) return 0;
  if (std::holds_alternative<Local>(e->node)) return kCheap + 1;
  int all = 1;
  for_each_operand(*e, [&](const ExprPtr& operand) { all += operations(operand); });
  return all;
}

[[noreturn]] void refuse(const std::string& reason) {
  throw Refused{reason};
}

Block Mover::raise(For outer, LoopId inner) {
  check_serial(outer);
  sink_cheap(outer.body);
  raise_within(outer.body, inner);
  const std::set<LocalId> own = declared_in(outer.body);
  // The parts: statements between the loops that move, and these loops each by itself.
  std::vector<Block> parts;
  bool open = false;
  for (Stmt& stmt : outer.body) {
    const auto* loop = std::get_if<For>(&stmt.node);
    const bool moves = loop != nullptr && loop->loop == inner;
    if (moves || !open) parts.emplace_back();
    parts.back().push_back(std::move(stmt));
    open = !moves;
  }
  Block result;
  check_fission(outer, parts, own);
  expand(outer, inner, parts, result);
  for (Block& part : parts) {
    auto* loop = part.empty() ? nullptr : std::get_if<For>(&part[0].node);
    For shell{outer.loop, outer.lo, outer.hi, {}, outer.kind};
    if (loop == nullptr || loop->loop != inner) {
      if (part.empty()) continue;
      shell.body = std::move(part);
      result.push_back({std::move(shell)});
      continue;
    }
    // [snippet interchange]
    check_interchange(outer, *loop);
    For moved = std::move(*loop);
    shell.body = std::move(moved.body);
    moved.body = {Stmt{std::move(shell)}};
    result.push_back({std::move(moved)});
    // [end]
  }
  return result;
}

/// What is cheap, and worked out once for several loops, goes to where it is needed: then it takes no array.
void Mover::sink_cheap(Block& block) const {
  for (size_t i = block.size(); i-- > 0;) {
    const auto* set = std::get_if<SetLocal>(&block[i].node);
    if (set == nullptr || !set->declares || set->value == nullptr || operations(set->value) > kCheap) continue;
    const LocalId local = set->local;
    std::vector<size_t> users;
    for (size_t j = i + 1; j < block.size(); ++j)
      if (used_by({block[j]}).contains(local)) users.push_back(j);
    const auto place = block.begin() + static_cast<ptrdiff_t>(i);
    if (users.empty() || changed_by({place + 1, block.end()}).contains(local)) continue;
    const auto user = block.begin() + static_cast<ptrdiff_t>(users[0]);
    std::rotate(place, place + 1, user);  // just in front of it
    auto* loop = std::get_if<For>(&user->node);
    if (users.size() > 1 || loop == nullptr || loop->kind != LoopKind::serial) continue;
    if (!changed_by(loop->body).empty()) continue;
    loop->body.insert(loop->body.begin(), std::move(*(user - 1)));
    sink_cheap(loop->body);
    block.erase(user - 1);
  }
}

/// Brings `inner` to the top of a block, past all loops that are still around it.
void Mover::raise_within(Block& block, LoopId inner) {
  Block result;
  for (Stmt& stmt : block) {
    auto* loop = std::get_if<For>(&stmt.node);
    if (const auto* branch = std::get_if<If>(&stmt.node))
      if (contains_loop(branch->then, inner) || contains_loop(branch->otherwise, inner))
        refuse(fmt::format("loop {} stands in a branch", quoted(kernel_.loops[inner])));
    if (loop == nullptr || loop->loop == inner || !contains_loop(loop->body, inner)) {
      result.push_back(std::move(stmt));
      continue;
    }
    for (Stmt& made : raise(std::move(*loop), inner)) result.push_back(std::move(made));
  }
  block = std::move(result);
}

/// Turns that are taken at once may add up a number, but not elements of an array. `inner` moves, and is serial.
void Mover::refuse_sums_at_once(const Block& block, const std::set<LocalId>& expanded, LoopId inner) const {
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop == nullptr || loop->loop == inner || !ir::loops::at_once(loop->kind)) return;
    for (const LocalId local : changed_by(loop->body))
      if (kernel_.locals[local].is_scalar() && expanded.contains(local))
        refuse(fmt::format("the turns of loop {} add up {} at once; `order` comes before that",
                           quoted(kernel_.loops[loop->loop]), quoted(kernel_, local)));
  });
}

/// Locals that one part declares and another uses get an element for each turn of `outer`.
void Mover::expand(const For& outer, LoopId inner, std::vector<Block>& parts, Block& result) {
  std::set<LocalId> shared;
  for (size_t i = 0; i < parts.size(); ++i)
    for (const LocalId local : declared_in(parts[i]))
      for (size_t j = i + 1; j < parts.size(); ++j)
        if (used_by(parts[j]).contains(local)) shared.insert(local);
  if (shared.empty()) return;

  for (const Block& part : parts) refuse_sums_at_once(part, shared, inner);
  const std::optional<int64_t> turns = turns_of(outer);
  if (!turns)
    refuse(fmt::format("{} is needed for every turn of loop {}, whose number is not constant",
                       quoted(kernel_, *shared.begin()), quoted(kernel_.loops[outer.loop])));
  const ExprPtr turn = constant_of(outer.lo) == 0
                           ? variable(outer.loop)
                           : apply(runtime::ScalarOp::sub, {variable(outer.loop), outer.lo});
  // Copies of a loop, as tails are, have locals of their own from here on: their shapes differ.
  std::unordered_map<LocalId, LocalId> renamed;
  for (const LocalId local : shared) {
    ir::Type type = kernel_.locals[local];
    type.shape.insert(type.shape.begin(), *turns);
    const LocalId expanded = add_local(kernel_, type.dtype, type.shape);
    renamed.emplace(local, expanded);
    result.push_back({SetLocal{expanded, nullptr, true}});
  }
  Copier copier([&](const ExprPtr& e) {
    const auto* local = std::get_if<Local>(&e->node);
    if (local == nullptr || !renamed.contains(local->local)) return e;
    Subscripts subscripts = local->subscripts;
    subscripts.insert(subscripts.begin(), turn);
    return get(kernel_, renamed.at(local->local), std::move(subscripts));
  });
  const std::function<void(Block&)> rename = [&](Block& block) {
    Block changed;
    for (Stmt& stmt : block) {
      if (auto* loop = std::get_if<For>(&stmt.node)) rename(loop->body);
      if (auto* branch = std::get_if<If>(&stmt.node)) rename(branch->then), rename(branch->otherwise);
      auto* set = std::get_if<SetLocal>(&stmt.node);
      if (set == nullptr || !renamed.contains(set->local)) {
        changed.push_back(std::move(stmt));
        continue;
      }
      if (set->declares && set->value == nullptr) continue;  // it stands in front of the loop now
      set->local = renamed.at(set->local);
      set->subscripts.insert(set->subscripts.begin(), turn);
      set->declares = false;
      changed.push_back(std::move(stmt));
    }
    block = std::move(changed);
  };
  for (Block& part : parts) {
    part = copier.block(part);
    rename(part);
  }
}

/// Fission runs all turns of one part before any of the next. `own`: what a turn declares itself.
void Mover::check_fission(const For& outer, const std::vector<Block>& parts,
                          const std::set<LocalId>& own) const {
  if (kernel_.may_fail)
    refuse("the kernel may fail, and the first element that does would be another");
  for (size_t i = 0; i < parts.size(); ++i) {
    std::set<LocalId> changed = changed_by(parts[i]);
    for (const LocalId local : own) changed.erase(local);
    for (size_t j = 0; j < parts.size(); ++j) {
      const std::set<LocalId> used = i == j ? std::set<LocalId>{} : used_by(parts[j]);
      for (const LocalId local : changed)
        if (used.contains(local) && !own_element_each_turn(kernel_, parts[i], local, outer.loop))
          refuse(fmt::format("{} goes from one turn of loop {} to the next", quoted(kernel_, local),
                             quoted(kernel_.loops[outer.loop])));
    }
  }
}

void Mover::check_serial(const For& loop) const {
  if (loop.kind != LoopKind::serial)
    refuse(fmt::format("how loop {} runs is decided already; `order` comes before that",
                       quoted(kernel_.loops[loop.loop])));
}

void Mover::check_interchange(const For& outer, const For& inner) const {
  check_serial(inner);
  const std::string &out = kernel_.loops[outer.loop], &in = kernel_.loops[inner.loop];
  if (mentions_loop(inner.lo, outer.loop) || mentions_loop(inner.hi, outer.loop))
    refuse(fmt::format("the range of loop {} depends on loop {}", quoted(in), quoted(out)));
  // [snippet may_change_places]
  for (const LocalId local : changed_by(inner.body)) {
    if (own_element_each_turn(kernel_, inner.body, local, outer.loop, inner.loop)) continue;
    if (own_element_each_turn(kernel_, inner.body, local, inner.loop, outer.loop)) continue;
    if (steps_of(kernel_, inner.body, local, mode_)) continue;
    refuse(fmt::format("loops {} and {} both change {}, whose steps may not be taken in another order",
                       quoted(out), quoted(in), quoted(kernel_, local)));
  }
  // [end]
}

}  // namespace

/// Each loop in turn, from the first named to the last, goes outside of all that are named after it:
/// what is outermost in the end moves before there are arrays that it would make larger.
void order(Kernel& kernel, const Directive& directive, Mode mode) {
  std::vector<LoopId> loops;
  for (const std::string& name : directive.loops) loops.push_back(find_loop(kernel, name));
  Mover mover(kernel, mode);
  for (size_t first = 0; first < loops.size(); ++first) {
    for (size_t later = first + 1; later < loops.size(); ++later) {
      replace_loops(kernel.body, loops[later], [&](const For& loop) -> Block {
        if (!contains_loop(loop.body, loops[first])) return {Stmt{loop}};
        return mover.raise(loop, loops[first]);
      });
    }
  }
}

}  // namespace tenon::opt::loops
