// registers io: the arrays that a turn of the loop `io` works on are kept in registers. Registers have no
// addresses: so every loop inside whose variable is in a subscript of such an array is written out,
// but for those whose turns are lanes.
//
//     for io {                              for io {
//       local c: f32[4, 32]                   local c: f32[4, 32]
//       for k {                               for k {
//         for ii in 0..4 {                      unrolled for ii in 0..4 {
//           vectorized for ji in 0..32 {          vectorized for ji in 0..32 {
//             c[ii, ji] = c[ii, ji] + …             c[ii, ji] = c[ii, ji] + …
//
// Of an array from outside of the loop a turn gets its part and gives it back, where it comes to it more than once:
// so the sums of a blocked `k` are fetched once a block.
//
//     for ko { for io { for ki {            for ko { for io {
//       for ii in 0..4 {                      local d: f32[4, 32]
//         vectorized for ji in 0..32 {        … d[ii, ji] = c[io, ii, ji]
//           c[io, ii, ji] =                   for ki { … d[ii, ji] = d[ii, ji] + … }
//             c[io, ii, ji] + …               … c[io, ii, ji] = d[ii, ji]
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "opt/loops/access.h"
#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

/// More would be kept in memory all the same.
constexpr int64_t kMostRegisters = 256;

/// The loops in whose variables an array is subscripted.
std::set<LoopId> loops_of(const Kernel& kernel, const Block& block, LocalId array) {
  std::set<LoopId> loops;
  const auto look = [&](const Subscripts& subscripts) {
    for (const ExprPtr& s : subscripts)
      for (LoopId loop = 0; loop < kernel.loops.size(); ++loop)
        if (mentions_loop(s, loop)) loops.insert(loop);
  };
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    if (set != nullptr && set->local == array) look(set->subscripts);
  });
  for_each_node(block, [&](const ExprPtr& e) {
    const auto* local = std::get_if<Local>(&e->node);
    if (local != nullptr && local->local == array) look(local->subscripts);
  });
  return loops;
}

/// A register holds as many elements as the lanes of the loops that subscript the array.
void check_size(const Kernel& kernel, const Block& block, LocalId array, const std::set<LoopId>& loops) {
  int64_t lanes = 1, elements = 1;
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop != nullptr && loop->kind == LoopKind::vectorized && loops.contains(loop->loop))
      lanes = std::max(lanes, turns_of(*loop).value_or(1));
  });
  for (const int64_t extent : kernel.locals[array].shape)
    if (__builtin_mul_overflow(elements, extent, &elements)) elements = INT64_MAX;
  if (elements / lanes > kMostRegisters)
    throw Refused{fmt::format("{} would take {} registers; at most {} are given to an array",
                              quoted(kernel, array), elements / lanes, kMostRegisters)};
}

/// The part of an array from outside of a loop that its turn works on, and a local for it.
class Part {
 public:
  /// `body`: of the loop.
  Part(Kernel& kernel, const Block& body, LocalId array) : kernel_(kernel), body_(body), array_(array) {}

  /// Whether the turn comes to the same element again. Throws Refused where what it works on is not clear.
  bool comes_again() {
    for_each_stmt(body_, [&](const Stmt& stmt) {
      if (std::holds_alternative<If>(stmt.node)) for_each_block(stmt, [&](const Block& branch) { under_branch(branch); });
    });
    for_each_stmt(body_, [&](const Stmt& stmt) {
      if (const auto* loop = std::get_if<For>(&stmt.node)) range(*loop);
    });
    for (const Site& site : sites_of(body_)) {
      for_each_expr(Block{*site.stmt}, [&](const ExprPtr& e, const Loops&) {
        const auto* read = std::get_if<Local>(&e->node);
        if (read != nullptr && read->local == array_) note(read->subscripts, site.loops, false);
      });
      const auto* set = std::get_if<SetLocal>(&site.stmt->node);
      if (set != nullptr && set->local == array_) note(set->subscripts, site.loops, true);
    }
    return again_;
  }

  /// The body with the part in a local of its own.
  Block run();

 private:
  /// Loops of the body, outermost first.
  using Loops = std::vector<const For*>;
  /// Loops in which elements are worked on, and whether the first thing there is that they are set.
  struct Walk {
    Loops loops;
    bool sets;
  };

  void note(const Subscripts& subscripts, const Loops& around, bool sets);
  void check(const For& loop) const;
  void range(const For& loop) const {
    if (used_by({{For{loop.loop, loop.lo, loop.hi, {}}}}).contains(array_))
      throw Refused{fmt::format("the range of loop {} depends on {}", quoted(kernel_.loops[loop.loop]),
                                quoted(kernel_, array_))};
  }
  void under_branch(const Block& branch) const {
    if (used_by(branch).contains(array_))
      throw Refused{fmt::format("whether {} is worked on depends on a branch", quoted(kernel_, array_))};
  }
  void describe();
  static void over(Block& result, const Loops& loops, Stmt stmt);

  Kernel& kernel_;
  const Block& body_;
  LocalId array_;
  Subscripts subscripts_;    ///< of every access
  std::vector<Walk> walks_;  ///< several where a split has left a tail behind; no two alike
  bool again_ = false;
  Subscripts inside_;        ///< within the part
  ir::Shape shape_;          ///< of the part
};

void Part::check(const For& loop) const {
  constexpr LoopKind kInTurn[] = {LoopKind::serial, LoopKind::unrolled, LoopKind::vectorized};
  const std::string name = quoted(kernel_.loops[loop.loop]);
  if (constant_of(loop.lo).value_or(-1) < 0 || !turns_of(loop))
    throw Refused{fmt::format("the range of loop {}, which {} is worked on in, is not constant", name,
                              quoted(kernel_, array_))};
  if (std::ranges::count(kInTurn, loop.kind) == 0)
    throw Refused{fmt::format("the turns of loop {} are not taken one after the other", name)};
}

void Part::note(const Subscripts& subscripts, const Loops& around, bool sets) {
  if (subscripts_.empty()) subscripts_ = subscripts;
  if (!std::ranges::equal(subscripts, subscripts_, same_text))
    throw Refused{fmt::format("a turn works on {} at places that differ", quoted(kernel_, array_))};
  Loops loops;
  for (const For* loop : around) {
    if (std::ranges::any_of(subscripts, [&](const ExprPtr& s) { return mentions_loop(s, loop->loop); })) {
      check(*loop);
      loops.push_back(loop);
    } else {
      again_ = true;
    }
  }
  const auto alike = [](const For* a, const For* b) {
    return a->loop == b->loop && same_text(a->lo, b->lo) && same_text(a->hi, b->hi);
  };
  if (std::ranges::none_of(walks_, [&](const Walk& seen) { return std::ranges::equal(seen.loops, loops, alike); }))
    walks_.push_back({loops, sets});
}

/// Where in the part an element is, and how large the part is.
void Part::describe() {
  for (const ExprPtr& s : subscripts_) {
    const std::optional<LinearForm> form = linear_form(s);
    ExprPtr place;
    int64_t extent = 0;
    for (const Walk& walk : walks_) {
      int64_t last = 0;
      place = integer(0);
      for (const For* loop : walk.loops) {
        const int64_t factor = form ? form->factor(loop->loop) : -1;
        if (factor < 0) throw Refused{fmt::format("a subscript of {} is no sum of loops", quoted(kernel_, array_))};
        if (factor == 0) continue;
        place = sum(place, product(variable(loop->loop), factor));
        last += factor * (*constant_of(loop->hi) - 1);
        extent = std::max(extent, last + 1);
      }
    }
    if (extent == 0) continue;  // no loop inside goes along this axis
    inside_.push_back(place);
    shape_.push_back(extent);
  }
}

/// A statement for each of the elements.
void Part::over(Block& result, const Loops& loops, Stmt stmt) {
  for (const For* loop : loops | std::views::reverse) stmt = {For{loop->loop, loop->lo, loop->hi, {stmt}, loop->kind}};
  result.push_back(std::move(stmt));
}

Block Part::run() {
  describe();
  const LocalId part = add_local(kernel_, kernel_.locals[array_].dtype, shape_);
  Block result = {{SetLocal{part, nullptr, true}}};
  for (const Walk& walk : walks_)
    if (!walk.sets)
      over(result, walk.loops, {SetLocal{part, get(kernel_, array_, subscripts_), false, false, inside_}});
  const Block changed = with_locals(body_, [&](const Local& local) {
    return local.local == array_ ? std::optional(Local{part, inside_}) : std::nullopt;
  });
  result.insert(result.end(), changed.begin(), changed.end());
  for (const Walk& walk : walks_)
    over(result, walk.loops, {SetLocal{array_, get(kernel_, part, inside_), false, false, subscripts_}});
  return result;
}

/// Gives each turn its part of the arrays from outside, where it comes to them more than once. Whether there are any.
bool take_parts(Kernel& kernel, LoopId around) {
  require_no_lanes(kernel, around);
  bool any = false;
  replace_loops(kernel.body, around, [&](const For& found) -> Block {
    For result = found;
    for (const LocalId local : changed_by(found.body)) {
      if (kernel.locals[local].shape.empty()) continue;
      Part part(kernel, result.body, local);
      if (!part.comes_again()) continue;
      Block body = part.run();
      result.body = std::move(body);
      any = true;
    }
    return {Stmt{std::move(result)}};
  });
  return any;
}

}  // namespace

void registers(Kernel& kernel, const Directive& directive, Mode mode) {
  const LoopId around = find_loop(kernel, directive.loops[0]);
  bool has_arrays = take_parts(kernel, around);
  std::set<LoopId> written_out;
  for_each_loop(kernel.body, around, [&](const For& found) {
    for (const LocalId local : declared_in(found.body)) {
      if (kernel.locals[local].shape.empty()) continue;
      has_arrays = true;
      std::set<LoopId> loops = loops_of(kernel, found.body, local);
      check_size(kernel, found.body, local, loops);
      written_out.merge(loops);
    }
    std::erase_if(written_out, [&](LoopId loop) { return !contains_loop(found.body, loop); });
  });
  if (!has_arrays)
    throw Refused{fmt::format("no turn of loop {} has an array of its own, or comes to a part of one again",
                              quoted(directive.loops[0]))};
  for (const LoopId loop : written_out) {
    bool serial = false;
    for_each_loop(kernel.body, loop,
                  [&](const For& found) { serial |= found.kind == LoopKind::serial; });
    if (serial) unroll(kernel, {ir::DirectiveKind::unroll_, {kernel.loops[loop]}}, mode);
  }
}

}  // namespace tenon::opt::loops
