// block i; thread j; thread j by 256: whose turns on a GPU the turns of a loop are. With a factor the loop
// goes to so many threads at a time. What is over at the end has no turns, not a tail of its own, so that
// one launch does it all:
//
//     for j in 0..1000 { S(j) }      for j in 0..4 { thread for jt in 0..min(256, 1000 - j * 256)
//                                      { S(j * 256 + jt) } }
//
// [snippet parts]
// A reduction gets a part for each thread, and the parts are combined by the threads together:
//
//     for k in 0..1000 { a = a + e(k) }      thread for kt in 0..256 {
//                                              local b = 0.0
//                                              for k in 0..(1255 - kt) / 256 { b = b + e(k * 256 + kt) }
//                                              a = a + b
//                                            }
// [end]
#include <fmt/format.h>

#include "ir/loops_launch.h"
#include "opt/loops/shared.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

[[noreturn]] void refuse(const Kernel& kernel, LoopId loop, std::string_view reason) {
  throw Refused{fmt::format("loop {} {}", quoted(kernel.loops[loop]), reason)};
}

void refuse_marked(const Kernel& kernel, const For& loop) {
  if (loop.kind != LoopKind::serial) refuse(kernel, loop.loop, "is marked already");
}

// [snippet carried]
/// The first local from outside that the turns of a loop hand on to each other.
std::optional<LocalId> carried(const Kernel& kernel, const For& loop) {
  for (const LocalId local : changed_by(loop.body))
    if (!own_element_each_turn(kernel, loop.body, local, loop.loop)) return local;
  return {};
}
// [end]

/// The loops around every loop `loop`; whatever `visit` refuses, it refuses.
void for_each_around(const Block& block, LoopId loop, const std::function<void(const For&)>& visit) {
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* around = std::get_if<For>(&stmt.node);
    if (around != nullptr && contains_loop(around->body, loop)) visit(*around);
  });
}

ExprPtr ceiling(const ExprPtr& turns, const ExprPtr& less, int64_t factor) {
  const std::optional<int64_t> known = constant_of(turns);
  if (known && less == nullptr) return integer((*known + factor - 1) / factor);
  const ExprPtr up = sum(turns, integer(factor - 1));
  return apply(ScalarOp::div,
               {less == nullptr ? up : apply(ScalarOp::sub, {up, less}), integer(factor)});
}

class Threads {
 public:
  Threads(Kernel& kernel, LoopId loop, int64_t factor, Mode mode, bool is_free = false)
      : kernel_(kernel),
        loop_(loop),
        thread_(add_loop(kernel, fresh_name(kernel, kernel.loops[loop] + "t"))),
        factor_(factor),
        mode_(mode),
        is_free_(is_free) {}

  Block operator()(const For& loop) {
    refuse_marked(kernel_, loop);
    turns_ = constant_of(loop.lo) == 0 ? loop.hi : apply(ScalarOp::sub, {loop.hi, loop.lo});
    if (const std::optional<int64_t> known = turns_of(loop)) turns_ = integer(*known);
    const ExprPtr place = sum(product(variable(loop_), factor_), variable(thread_));
    body_ = with_loop(loop.body, loop_, sum(loop.lo, place));
    return is_free_ || !carried(kernel_, loop) ? in_rounds() : in_parts(loop);
  }

 private:
  Block in_rounds() const {
    const std::optional<int64_t> known = constant_of(turns_);
    const ExprPtr left = apply(ScalarOp::sub, {turns_, product(variable(loop_), factor_)});
    const bool even = known && *known % factor_ == 0;
    const ExprPtr end = even ? integer(factor_) : apply(ScalarOp::min, {integer(factor_), left});
    For threads{thread_, integer(0), end, body_, LoopKind::thread};
    return {Stmt{For{loop_, integer(0), ceiling(turns_, nullptr, factor_), {Stmt{std::move(threads)}}}}};
  }

  Block in_parts(const For& loop) {
    Block before, after;
    for (const LocalId local : changed_by(loop.body)) {
      const std::optional<ScalarOp> op = steps_of(kernel_, loop.body, local, mode_);
      if (!kernel_.locals[local].is_scalar() || !op)
        refuse(kernel_, loop_, fmt::format("hands {} on from turn to turn", quoted(kernel_, local)));
      const runtime::DType type = kernel_.locals[local].dtype;
      const LocalId part = add_local(kernel_, type, {});
      before.push_back({SetLocal{part, constant(identity_of(*op, type)), true}});
      const bool free = runtime::is_floating(type) && (*op == ScalarOp::add || *op == ScalarOp::mul);
      after.push_back({SetLocal{local, apply(*op, {get(kernel_, local, {}), get(kernel_, part, {})}),
                                false, free}});
      rename(local, part);
    }
    before.push_back({For{loop_, integer(0), ceiling(turns_, variable(thread_), factor_), body_}});
    before.insert(before.end(), after.begin(), after.end());
    return {Stmt{For{thread_, integer(0), integer(factor_), std::move(before), LoopKind::thread}}};
  }

  /// In the body a local becomes another.
  void rename(LocalId local, LocalId part) {
    body_ = with_locals(body_, [&](const Local& read) {
      return read.local == local ? std::optional(Local{part, {}}) : std::nullopt;
    });
  }

  Kernel& kernel_;
  const LoopId loop_, thread_;
  const int64_t factor_;
  const Mode mode_;
  const bool is_free_;
  ExprPtr turns_;
  Block body_;
};

}  // namespace

void block(Kernel& kernel, const Directive& directive, Mode) {
  const LoopId loop = find_loop(kernel, directive.loops[0]);
  for_each_around(kernel.body, loop, [&](const For& around) {
    if (around.kind != LoopKind::block)
      refuse(kernel, loop, fmt::format("stands in {}, which is no block loop",
                                       quoted(kernel.loops[around.loop])));
  });
  replace_loops(kernel.body, loop, [&](const For& found) -> Block {
    refuse_marked(kernel, found);
    if (constant_of(found.lo) != 0 || !turns_of(found))
      refuse(kernel, loop, "does not run from 0 to a constant");
    if (const std::optional<LocalId> local = carried(kernel, found))
      refuse(kernel, loop, fmt::format("hands {} on from turn to turn", quoted(kernel, *local)));
    For made = found;
    made.kind = LoopKind::block;
    return {Stmt{std::move(made)}};
  });
}

void thread_free_loop(Kernel& kernel, std::string_view name, int64_t threads) {
  const LoopId loop = find_loop(kernel, name);
  replace_loops(kernel.body, loop, Threads(kernel, loop, threads, {}, true));
}

void thread(Kernel& kernel, const Directive& directive, Mode mode) {
  const LoopId loop = find_loop(kernel, directive.loops[0]);
  if (directive.factor > kMostThreads)
    refuse(kernel, loop, fmt::format("would take {} threads; a block has at most {}",
                                     directive.factor, kMostThreads));
  for_each_around(kernel.body, loop, [&](const For& around) {
    if (around.kind == LoopKind::vectorized || around.kind == LoopKind::parallel)
      refuse(kernel, loop, fmt::format("stands in {}, whose turns are not those of blocks or threads",
                                       quoted(kernel.loops[around.loop])));
  });
  if (directive.factor > 0)
    return replace_loops(kernel.body, loop, Threads(kernel, loop, directive.factor, mode));
  replace_loops(kernel.body, loop, [&](const For& found) -> Block {
    refuse_marked(kernel, found);
    if (constant_of(found.lo) != 0 || turns_of(found).value_or(kMostThreads + 1) > kMostThreads)
      refuse(kernel, loop, fmt::format("does not run from 0 to at most {}", kMostThreads));
    for (const LocalId local : changed_by(found.body))
      if (!own_element_each_turn(kernel, found.body, local, loop) &&
          !(kernel.locals[local].is_scalar() && steps_of(kernel, found.body, local, mode)))
        refuse(kernel, loop, fmt::format("hands {} on from turn to turn", quoted(kernel, local)));
    For made = found;
    made.kind = LoopKind::thread;
    return {Stmt{std::move(made)}};
  });
}

}  // namespace tenon::opt::loops
