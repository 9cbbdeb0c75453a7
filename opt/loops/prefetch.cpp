// prefetch w at k: at the beginning of each turn of the loop `k`, the cache lines that its next turn reads
// of %w are asked for: they come while this turn computes.
//
//     for k { for j in 0..64 { … %w[k, j] … } }
//
//     for k {
//       for w0 in 0..4 { prefetch %w[k + 1, w0 * 16] }
//       for j in 0..64 { … %w[k, j] … }
//     }
//
// prefetch w at k of j: in the turns of `k`, a loop in `j`, the lines that the next turn of `j` reads, a few
// in each: they come while all of this turn computes, and never so many at once that it has to wait.
//
//     for j { copy of %w[.., j * 64 ..]; for i in 0..11 { for k in 0..768 { … } } }
//
//     for j { copy of %w[.., j * 64 ..]; for i in 0..11 { for k in 0..768 {
//       prefetch %w[min(i * 768 + k, 3071) / 4, (j + 1) * 64 + min(i * 768 + k, 3071) % 4 * 16]
//       … } } }
//
// Behind the last turn comes the first, in the next turn of the loop around.
//
// It changes nothing but the time that things take; so it is refused only where there is nothing to ask
// for, or no way to say what. (Mowry, Lam and Gupta, "Design and evaluation of a compiler algorithm for
// prefetching", ASPLOS 1992.)
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "opt/loops/access.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

constexpr int64_t kLineBytes = 64;
/// Whose numbers are far from what an index can hold.
constexpr int64_t kMostTurns = int64_t{1} << 40;
/// About as many as a core waits for at a time.
constexpr int64_t kMostAsked = 32;

/// Of a loop that subscripts have, the turns at which a line begins.
struct Lines {
  const For* loop;
  int64_t step, count;
};

/// The prefetches for one occurrence of a loop.
class Prefetching {
 public:
  /// `around`: the innermost loop around it, or null.
  Prefetching(Kernel& kernel, BufferId buffer, const For& loop, const For* around)
      : kernel_(kernel), buffer_(buffer), loop_(loop), around_(around), name_(kernel.buffers[buffer].name) {
    for_each_read(loop.body, buffer_,
                  [&](const Read& read, const std::vector<const For*>& inside) { note(read, inside); });
  }
  bool any() const { return !reads_.empty(); }

  /// At the beginning of a turn.
  Block run() {
    For result = loop_;
    result.body.clear();
    for (const Found& found : reads_) result.body.push_back(prefetch(found));
    result.body.insert(result.body.end(), loop_.body.begin(), loop_.body.end());
    return {Stmt{std::move(result)}};
  }
  /// A few in each turn of the loops `at`.
  Block spread(LoopId at);

 private:
  struct Found {
    Subscripts subscripts;
    std::vector<Lines> lines;  ///< the loops inside that the subscripts have, outermost first
  };

  void note(const Read& read, const std::vector<const For*>& around);
  std::map<LoopId, ExprPtr> next_turn(const Found& found) const;
  Subscripts next(const Found& found, const std::function<ExprPtr(size_t)>& line) const;
  Stmt prefetch(const Found& found);
  Stmt prefetch(const Found& found, const ExprPtr& number);
  int64_t turns_in(const Block& block, LoopId at) const;
  void spread(Block& block, LoopId at, ExprPtr number);
  void ask(Block& block, const ExprPtr& number);

  Kernel& kernel_;
  BufferId buffer_;
  const For& loop_;
  const For* around_;
  const std::string name_;
  std::vector<Found> reads_;  ///< no two alike
  int64_t turns_ = 0;         ///< among which the lines are shared out
};

void Prefetching::note(const Read& read, const std::vector<const For*>& around) {
  const auto is_same = [&](const Found& found) {
    return std::ranges::equal(found.subscripts, read.subscripts, same_text);
  };
  if (std::ranges::any_of(reads_, is_same)) return;
  Found found{read.subscripts, {}};
  bool moves = false;
  for (const ExprPtr& s : read.subscripts) {
    const std::optional<LinearForm> form = linear_form(s);
    if (!form)
      throw Refused{fmt::format("a subscript of %{} is no sum of multiples of loops", name_)};
    moves |= form->factor(loop_.loop) != 0;
  }
  if (!moves)
    throw Refused{fmt::format("%{} is read at the same places on every turn of loop {}", name_,
                              quoted(kernel_.loops[loop_.loop]))};
  for (const For* loop : around) {
    const bool used = std::ranges::any_of(
        read.subscripts, [&](const ExprPtr& s) { return mentions_loop(s, loop->loop); });
    if (!used) continue;
    if (!turns_of(*loop))
      throw Refused{fmt::format("the range of loop {}, which reads %{}, is not constant",
                                quoted(kernel_.loops[loop->loop]), name_)};
    const bool by_lines = linear_form(read.subscripts.back())->factor(loop->loop) == 1;
    const int64_t bytes = runtime::row(kernel_.buffers[buffer_].type.dtype).bytes;
    const int64_t step = by_lines ? std::max<int64_t>(1, kLineBytes / bytes) : 1;
    found.lines.push_back({loop, step, (*turns_of(*loop) + step - 1) / step});
  }
  reads_.push_back(std::move(found));
}

/// The loops whose variables change from this turn to the next, with what they change to.
std::map<LoopId, ExprPtr> Prefetching::next_turn(const Found& found) const {
  const ExprPtr next = sum(variable(loop_.loop), integer(1));
  const std::optional<int64_t> turns = turns_of(loop_);
  const auto has_around = [&](const ExprPtr& s) { return mentions_loop(s, around_->loop); };
  const bool goes_on = around_ != nullptr && turns.value_or(0) > 0 && constant_of(loop_.lo) == 0 &&
                       std::ranges::any_of(found.subscripts, has_around);
  if (!goes_on) return {{loop_.loop, next}};
  if (*turns == 1) return {{around_->loop, sum(variable(around_->loop), integer(1))}};
  return {{loop_.loop, apply(ScalarOp::mod, {next, integer(*turns)})},
          {around_->loop, sum(variable(around_->loop), apply(ScalarOp::div, {next, integer(*turns)}))}};
}

/// What the next turn reads, where each of the found loops is at the line that `line` gives.
Subscripts Prefetching::next(const Found& found, const std::function<ExprPtr(size_t)>& line) const {
  std::map<LoopId, ExprPtr> places = next_turn(found);
  const auto put = [&](const ExprPtr& e) {
    const auto* variable = std::get_if<Loop>(&e->node);
    const auto place = variable == nullptr ? places.end() : places.find(variable->loop);
    return place == places.end() ? e : place->second;
  };
  for (size_t i = 0; i < found.lines.size(); ++i) {
    const Lines& lines = found.lines[i];
    const ExprPtr first = Copier(put).expr(lines.loop->lo);
    places[lines.loop->loop] = sum(first, product(line(i), lines.step));
  }
  return Copier(put).exprs(found.subscripts);
}

/// A prefetch in loops of its own; the one that walks along a row goes by cache lines.
Stmt Prefetching::prefetch(const Found& found) {
  std::vector<For> loops;
  for (const Lines& lines : found.lines) {
    const LoopId made = add_loop(kernel_, fresh_name(kernel_, ast::typed::copy_loop(name_, loops.size())));
    loops.push_back({made, integer(0), integer(lines.count), {}});
  }
  Stmt stmt{Prefetch{buffer_, next(found, [&](size_t i) { return variable(loops[i].loop); })}};
  for (size_t i = loops.size(); i-- > 0;) {
    loops[i].body.push_back(std::move(stmt));
    stmt = Stmt{std::move(loops[i])};
  }
  return stmt;
}

/// The line of that number, from the first in the innermost loop on.
Stmt Prefetching::prefetch(const Found& found, const ExprPtr& number) {
  std::vector<ExprPtr> turns(found.lines.size());
  int64_t inside = 1;
  for (size_t i = turns.size(); i-- > 0;) {
    const int64_t count = std::max<int64_t>(found.lines[i].count, 1);
    const ExprPtr turn = inside == 1 ? number : apply(ScalarOp::div, {number, integer(inside)});
    turns[i] = count == 1 ? integer(0) : i == 0 ? turn : apply(ScalarOp::mod, {turn, integer(count)});
    inside *= count;
  }
  return {Prefetch{buffer_, next(found, [&](size_t i) { return turns[i]; })}};
}

/// How often turns of `at` are taken in a block.
int64_t Prefetching::turns_in(const Block& block, LoopId at) const {
  int64_t all = 0;
  for (const Stmt& stmt : block) {
    const auto* loop = std::get_if<For>(&stmt.node);
    int64_t inside = 0;
    if (loop != nullptr && loop->loop == at) inside = 1;
    else for_each_block(stmt, [&](const Block& inner) { inside += turns_in(inner, at); });
    if (loop != nullptr && inside > 0) {
      const std::optional<int64_t> turns = turns_of(*loop);
      if (!turns)
        throw Refused{fmt::format("the range of loop {} is not constant", quoted(kernel_.loops[loop->loop]))};
      if (*turns > kMostTurns / inside)
        throw Refused{fmt::format("loop {} has too many turns", quoted(kernel_.loops[loop->loop]))};
      inside *= *turns;
    }
    all += inside;
  }
  return all;
}

/// Into each turn of `at` the lines that are its part. `number`: of the first of these turns.
void Prefetching::spread(Block& block, LoopId at, ExprPtr number) {
  for (Stmt& stmt : block) {
    const int64_t inside = turns_in({stmt}, at);
    if (inside == 0) continue;
    if (auto* branch = std::get_if<If>(&stmt.node)) {
      spread(branch->then, at, number);
      spread(branch->otherwise, at, sum(number, integer(turns_in(branch->then, at))));
    } else {
      auto& loop = std::get<For>(stmt.node);
      const ExprPtr turn = sum(variable(loop.loop), product(loop.lo, -1));
      const ExprPtr here = sum(number, product(turn, inside / *turns_of(loop)));
      if (loop.loop == at) ask(loop.body, here);
      else spread(loop.body, at, here);
    }
    number = sum(number, integer(inside));
  }
}

/// In the turn of that number, counted over all of `loop_`.
void Prefetching::ask(Block& block, const ExprPtr& number) {
  Block asked;
  for (const Found& found : reads_) {
    int64_t lines = 1;
    for (const Lines& each : found.lines) {
      if (each.count > kMostTurns / lines)
        throw Refused{fmt::format("loop {} has too many turns", quoted(kernel_.loops[each.loop->loop]))};
      lines *= std::max<int64_t>(each.count, 1);
    }
    const int64_t part = (lines + turns_ - 1) / turns_;
    if (part > kMostAsked)
      throw Refused{fmt::format("a turn would ask for {} lines of %{}, which it has to wait for; the most are {}", part,
                                name_, kMostAsked)};
    for (int64_t i = 0; i < part; ++i) {
      const ExprPtr line = sum(product(number, part), integer(i));
      asked.push_back(prefetch(found, apply(ScalarOp::min, {line, integer(lines - 1)})));
    }
  }
  block.insert(block.begin(), asked.begin(), asked.end());
}

Block Prefetching::spread(LoopId at) {
  For result = loop_;
  turns_ = turns_in(result.body, at);
  if (!contains_loop(result.body, at))
    throw Refused{fmt::format("loop {} is not in loop {}", quoted(kernel_.loops[at]),
                              quoted(kernel_.loops[loop_.loop]))};
  spread(result.body, at, integer(0));
  return {Stmt{std::move(result)}};
}

}  // namespace

void prefetch(Kernel& kernel, const Directive& directive, Mode) {
  const LoopId at = find_loop(kernel, directive.loops[0]);
  const LoopId loop = find_loop(kernel, directive.loops.back());
  const BufferId buffer = find_input(kernel, directive.operand);
  require_no_lanes(kernel, loop);
  require_no_lanes(kernel, at);
  bool any = false;
  replace_loops(kernel.body, loop, [&](const For& found, const For* around) -> Block {
    Prefetching prefetching(kernel, buffer, found, around);
    if (!prefetching.any()) return {Stmt{found}};
    any = true;
    return at == loop ? prefetching.run() : prefetching.spread(at);
  });
  if (!any)
    throw Refused{fmt::format("nothing of %{} is read in loop {}", directive.operand,
                              quoted(directive.loops.back()))};
}

}  // namespace tenon::opt::loops
