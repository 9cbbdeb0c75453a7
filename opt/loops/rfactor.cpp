// rfactor kv: a reduction in parts. Each turn of the loop `kv` gets a local of its own that takes the
// steps of that turn, whatever loops are around it; the parts are put together at the end:
//
//     local a = 0.0                     local a = 0.0
//     for ko in 0..64 {                 local b: f32[16]
//       for kv in 0..16 {               for kv in 0..16 { b[kv] = 0.0 }
//         a = a + %x[ko * 16 + kv]      for ko in 0..64 {
//       }                                 for kv in 0..16 { b[kv] = b[kv] + %x[ko * 16 + kv] }
//     }                                 }
//                                       for kv in 0..16 { a = a + b[kv] }
//
// After that `kv` carries nothing from turn to turn: it may be vectorized, unrolled or parallel. Of
// floats that is another order of summing, which --strict forbids. (Suriana, Adams and
// Kamil, "Parallel associative reductions in Halide", CGO 2017.)
#include <fmt/format.h>

#include <algorithm>

#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

class Factoring {
 public:
  Factoring(Kernel& kernel, LoopId loop, Mode mode) : kernel_(kernel), loop_(loop), mode_(mode) {}

  void run() {
    visit(kernel_.body);
    if (!done_)
      throw Refused{fmt::format("no reduction goes over loop {}", quoted(kernel_.loops[loop_]))};
  }

 private:
  void visit(Block& block);
  std::set<LocalId> reduced_in(const Stmt& stmt) const;
  void check_around(const Block& block) const;
  Subscripts subscripts_of(const Block& block, LocalId local) const;
  Block factor(Block block, LocalId local);
  Block renamed(const Block& block, LocalId from, LocalId to, const Subscripts& subscripts) const;
  Block around(const std::vector<For>& loops, Stmt innermost) const;
  std::vector<For> loops_of(const Block& block, const Subscripts& subscripts) const;

  Kernel& kernel_;
  LoopId loop_;
  Mode mode_;
  bool done_ = false;
};

/// The parts belong where the local that they are put into is declared: around the statements, side by
/// side, that reduce into it (a loop and its tails).
void Factoring::visit(Block& block) {
  for (Stmt& stmt : block) {
    if (auto* loop = std::get_if<For>(&stmt.node)) visit(loop->body);
    if (auto* branch = std::get_if<If>(&stmt.node)) visit(branch->then), visit(branch->otherwise);
  }
  for (const LocalId local : declared_in(block)) {
    Block result, together;
    const auto flush = [&] {
      if (together.empty()) return;
      for (Stmt& made : factor(std::move(together), local)) result.push_back(std::move(made));
      together.clear();
    };
    for (Stmt& stmt : block) {
      if (reduced_in(stmt).contains(local)) {
        together.push_back(std::move(stmt));
        continue;
      }
      flush();
      result.push_back(std::move(stmt));
    }
    flush();
    block = std::move(result);
  }
}

/// The locals from outside that turns of the loop change.
std::set<LocalId> Factoring::reduced_in(const Stmt& stmt) const {
  std::set<LocalId> reduced;
  for_each_loop(Block{stmt}, loop_, [&](const For& loop) {
    for (const LocalId local : changed_by(loop.body))
      if (!own_element_each_turn(kernel_, loop.body, local, loop_)) reduced.insert(local);
  });
  for (const LocalId local : declared_in(Block{stmt})) reduced.erase(local);
  return reduced;
}

/// A part takes the steps of all turns of the loops around: they must come one after the other.
void Factoring::check_around(const Block& block) const {
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop == nullptr || loop->loop == loop_ || !contains_loop(loop->body, loop_)) return;
    if (ir::loops::at_once(loop->kind))
      throw Refused{fmt::format("how loop {} runs is decided already; `rfactor` comes before that",
                                quoted(kernel_.loops[loop->loop]))};
  });
}

/// The same at every step.
Subscripts Factoring::subscripts_of(const Block& block, LocalId local) const {
  std::optional<Subscripts> found;
  for_each_loop(block, loop_, [&](const For& loop) {
    for_each_stmt(loop.body, [&](const Stmt& s) {
      const auto* set = std::get_if<SetLocal>(&s.node);
      if (set == nullptr || set->local != local) return;
      if (!found) found = set->subscripts;
      if (!std::ranges::equal(*found, set->subscripts, same_text))
        throw Refused{fmt::format("turns of loop {} reduce into {} at places that differ",
                                  quoted(kernel_.loops[loop_]), quoted(kernel_, local))};
    });
  });
  return found.value_or(Subscripts{});
}

Block Factoring::factor(Block block, LocalId local) {
  check_around(block);
  int64_t turns = 0;
  std::optional<ScalarOp> op;
  For header;
  for_each_loop(block, loop_, [&](const For& loop) {
    // What begins where others end is a tail; one as long as run-time values say stays as it is.
    const std::optional<int64_t> lo = constant_of(loop.lo), hi = constant_of(loop.hi);
    if (!lo || !hi || *lo < 0 || *lo > turns) return;
    op = steps_of(kernel_, loop.body, local, mode_);
    if (!op)
      throw Refused{fmt::format("the steps of {} in loop {} may not be taken in another order",
                                quoted(kernel_, local), quoted(kernel_.loops[loop_]))};
    if (*hi > turns) header = loop, turns = *hi;
  });
  if (turns == 0)
    throw Refused{fmt::format("the number of turns of loop {} is not constant",
                              quoted(kernel_.loops[loop_]))};

  const ir::Type type = kernel_.locals[local];
  ir::Shape shape = type.shape;
  shape.insert(shape.begin(), turns);
  const LocalId part = add_local(kernel_, type.dtype, std::move(shape));
  const Subscripts subscripts = subscripts_of(block, local);
  Subscripts part_subscripts = subscripts;
  part_subscripts.insert(part_subscripts.begin(), variable(loop_));

  std::vector<For> loops = loops_of(block, subscripts);
  header.body.clear();
  header.lo = integer(0), header.hi = integer(turns);
  loops.insert(loops.begin(), header);

  replace_loops(block, loop_, [&](const For& loop) -> Block {
    const std::optional<int64_t> lo = constant_of(loop.lo), hi = constant_of(loop.hi);
    if (!lo || !hi || *lo < 0 || *hi > turns) return {Stmt{loop}};
    For changed = loop;
    bool goes_on = false;  // the turn has a loop of its own: its part is a scalar meanwhile
    for (const Stmt& s : loop.body) goes_on |= std::holds_alternative<For>(s.node);
    if (!goes_on || !subscripts.empty()) {
      changed.body = renamed(loop.body, local, part, part_subscripts);
      return {Stmt{std::move(changed)}};
    }
    const LocalId turn = add_local(kernel_, type.dtype, {});
    changed.body = renamed(loop.body, local, turn, {});
    changed.body.insert(changed.body.begin(),
                        Stmt{SetLocal{turn, get(kernel_, part, part_subscripts), true}});
    changed.body.push_back({SetLocal{part, get(kernel_, turn, {}), false, false, part_subscripts}});
    return {Stmt{std::move(changed)}};
  });
  const ExprPtr start = constant(identity_of(*op, type.dtype));
  SetLocal clear{part, start, false, false, part_subscripts};
  ExprPtr together = ir::loops::apply(*op, {get(kernel_, local, subscripts),
                                            get(kernel_, part, part_subscripts)});
  const bool reassociable =
      runtime::is_floating(type.dtype) && (*op == ScalarOp::add || *op == ScalarOp::mul);
  SetLocal combine{local, std::move(together), false, reassociable, subscripts};

  Block result{Stmt{SetLocal{part, nullptr, true}}};
  for (Stmt& s : around(loops, Stmt{std::move(clear)})) result.push_back(std::move(s));
  for (Stmt& s : block) result.push_back(std::move(s));
  for (Stmt& s : around(loops, Stmt{std::move(combine)})) result.push_back(std::move(s));
  done_ = true;
  return result;
}

/// The block with `to` in the place of a local.
Block Factoring::renamed(const Block& block, LocalId from, LocalId to,
                         const Subscripts& subscripts) const {
  return with_locals(block, [&](const Local& read) {
    return read.local == from ? std::optional(Local{to, subscripts}) : std::nullopt;
  });
}

Block Factoring::around(const std::vector<For>& loops, Stmt innermost) const {
  Block block{std::move(innermost)};
  for (size_t i = loops.size(); i-- > 0;) {
    For loop = loops[i];
    loop.body = std::move(block);
    block = Block{Stmt{std::move(loop)}};
  }
  return block;
}

/// The loops whose variables are the subscripts of a local that is an array itself.
std::vector<For> Factoring::loops_of(const Block& block, const Subscripts& subscripts) const {
  std::vector<For> loops;
  for (const ExprPtr& s : subscripts) {
    const auto* variable = std::get_if<Loop>(&s->node);
    if (variable == nullptr)
      throw Refused{"the array that the reduction goes into is not subscripted by loops alone"};
    For longest;
    int64_t most = 0;
    for_each_loop(block, variable->loop, [&](const For& loop) {
      const std::optional<int64_t> turns = turns_of(loop);
      if (turns && *turns > most) most = *turns, longest = loop;
    });
    if (most == 0) throw Refused{"the array that the reduction goes into has no loops"};
    longest.body.clear();
    loops.push_back(std::move(longest));
  }
  return loops;
}

}  // namespace

void rfactor(Kernel& kernel, const Directive& directive, Mode mode) {
  if (kernel.may_fail) throw Refused{"the kernel may fail, and its checks keep their order"};
  Factoring(kernel, find_loop(kernel, directive.loops[0]), mode).run();
}

}  // namespace tenon::opt::loops
