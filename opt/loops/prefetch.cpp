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
// It changes nothing but the time that things take; so it is refused only where there is nothing to ask
// for, or no way to say what. (Mowry, Lam and Gupta, "Design and evaluation of a compiler algorithm for
// prefetching", ASPLOS 1992.)
#include <fmt/format.h>

#include <algorithm>

#include "opt/loops/access.h"

namespace tenon::opt::loops {
namespace {

constexpr int64_t kLineBytes = 64;

/// The prefetches for one occurrence of a loop.
class Prefetching {
 public:
  Prefetching(Kernel& kernel, BufferId buffer, const For& loop)
      : kernel_(kernel), buffer_(buffer), loop_(loop), name_(kernel.buffers[buffer].name) {
    for_each_read(loop.body, buffer_, [&](const Read& read, const std::vector<const For*>& around) { note(read, around); });
  }
  bool any() const { return !reads_.empty(); }

  Block run() {
    For result = loop_;
    result.body.clear();
    for (const Found& found : reads_) result.body.push_back(prefetch(found));
    result.body.insert(result.body.end(), loop_.body.begin(), loop_.body.end());
    return {Stmt{std::move(result)}};
  }

 private:
  struct Found {
    Subscripts subscripts;
    std::vector<const For*> loops;  ///< inside the loop, that the subscripts have
  };

  void note(const Read& read, const std::vector<const For*>& around);
  Stmt prefetch(const Found& found);

  Kernel& kernel_;
  BufferId buffer_;
  const For& loop_;
  const std::string name_;
  std::vector<Found> reads_;  ///< no two alike
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
    found.loops.push_back(loop);
  }
  reads_.push_back(std::move(found));
}

/// A prefetch in loops of its own; the one that walks along a row goes by cache lines.
Stmt Prefetching::prefetch(const Found& found) {
  const int64_t bytes = runtime::row(kernel_.buffers[buffer_].type.dtype).bytes;
  Subscripts subscripts = found.subscripts;
  const auto put = [&](LoopId loop, const ExprPtr& value) {
    Copier copier([&](const ExprPtr& e) {
      const auto* variable = std::get_if<Loop>(&e->node);
      return variable != nullptr && variable->loop == loop ? value : e;
    });
    subscripts = copier.exprs(subscripts);
  };
  put(loop_.loop, sum(variable(loop_.loop), integer(1)));
  std::vector<For> loops;
  for (const For* loop : found.loops) {
    const LoopId made = add_loop(kernel_, fresh_name(kernel_, ast::typed::copy_loop(name_, loops.size())));
    const bool by_lines = linear_form(subscripts.back())->factor(loop->loop) == 1;
    const int64_t step = by_lines ? std::max<int64_t>(1, kLineBytes / bytes) : 1;
    put(loop->loop, sum(loop->lo, product(variable(made), step)));
    loops.push_back({made, integer(0), integer((*turns_of(*loop) + step - 1) / step), {}});
  }
  Stmt stmt{Prefetch{buffer_, std::move(subscripts)}};
  for (size_t i = loops.size(); i-- > 0;) {
    loops[i].body.push_back(std::move(stmt));
    stmt = Stmt{std::move(loops[i])};
  }
  return stmt;
}

}  // namespace

void prefetch(Kernel& kernel, const Directive& directive, Mode) {
  const LoopId loop = find_loop(kernel, directive.loops[0]);
  const BufferId buffer = find_input(kernel, directive.operand);
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* around = std::get_if<For>(&stmt.node);
    if (around == nullptr || around->kind != LoopKind::vectorized) return;
    if (around->loop == loop || contains_loop(around->body, loop))
      throw Refused{fmt::format("the turns of loop {} are lanes", quoted(kernel.loops[around->loop]))};
  });
  bool any = false;
  replace_loops(kernel.body, loop, [&](const For& found) -> Block {
    Prefetching prefetching(kernel, buffer, found);
    if (!prefetching.any()) return {Stmt{found}};
    any = true;
    return prefetching.run();
  });
  if (!any)
    throw Refused{fmt::format("nothing of %{} is read in loop {}", directive.operand,
                              quoted(directive.loops[0]))};
}

}  // namespace tenon::opt::loops
