// pipeline ko by 3: what the turns of a loop copy into shared memory is on its way while the turns before
// compute. The arrays get room for three turns, which take it in rotation: one is used, and two are being
// filled.
//
//     for ko in 0..64 {              for kos in 0..2 { await 2; async a[kos, …] = %x[… kos …] }
//       a[…] = %x[… ko …]            for ko in 0..64 {
//       S(a[…])                        await 1
//     }                                if ko + 2 < 64 { async a[(ko + 2) % 3, …] = %x[… ko + 2 …] }
//                                      S(a[ko % 3, …])
//                                    }
//
// `await n` closes the group of copies that were begun since the last one, and waits for all groups but the
// last n: the turn's own copies are in the group before those, also where a group is empty. Behind it comes a
// barrier (shared.cpp), and one in a turn is enough: then all threads' copies are there, and no thread reads any
// more what the next ones overwrite. (NVIDIA, "Controlling data movement to boost performance on the NVIDIA
// Ampere architecture", 2020.)
#include <fmt/format.h>

#include <algorithm>

#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

constexpr int64_t kMostStages = 8;

class Pipelining {
 public:
  /// `ahead`: the loop over the turns whose copies begin before the first. `staged`: the arrays that have room for
  /// all stages, of other occurrences of the loop too.
  Pipelining(Kernel& kernel, const For& loop, LoopId ahead, int64_t stages, std::set<LocalId>& staged)
      : kernel_(kernel), loop_(loop), ahead_(ahead), stages_(stages), staged_(staged) {}

  Block run() {
    const std::optional<int64_t> turns = turns_of(loop_);
    if (loop_.kind != LoopKind::serial || constant_of(loop_.lo) != 0 || !turns)
      refuse("does not run from 0 to a constant, turn after turn");
    if (*turns < stages_) refuse(fmt::format("has {} turns, too few for {} stages", *turns, stages_));
    sort_out();
    check_dependences();
    for (const LocalId array : arrays_) {
      if (!staged_.insert(array).second) continue;
      ir::Shape& shape = kernel_.locals[array].shape;
      shape.insert(shape.begin(), stages_);
    }
    Block result = declarations_;
    Block before = copies_of(variable(ahead_), variable(ahead_));
    before.insert(before.begin(), Stmt{Await{stages_ - 1}});
    result.push_back({For{ahead_, integer(0), integer(stages_ - 1), std::move(before)}});

    const ExprPtr later = sum(variable(loop_.loop), integer(stages_ - 1));
    For main = loop_;
    main.body = {Stmt{Await{stages_ - 2}},
                 Stmt{If{apply(ScalarOp::lt, {later, integer(*turns)}), copies_of(later, place_of(later)), {}}}};
    for (Stmt& stmt : in_place(uses_, place_of(variable(loop_.loop)))) main.body.push_back(std::move(stmt));
    result.push_back({std::move(main)});
    return result;
  }

 private:
  [[noreturn]] void refuse(std::string_view reason) const {
    throw Refused{fmt::format("loop {} {}", quoted(kernel_.loops[loop_.loop]), reason)};
  }

  /// The arrays that a turn declares and copies into, and how; all else uses them.
  void sort_out() {
    const std::set<LocalId> own = declared_in(loop_.body);
    for (const Stmt& stmt : loop_.body) {
      const std::set<LocalId> filled = filled_by(stmt);
      const bool copies = !filled.empty() && std::ranges::all_of(filled, [&](LocalId array) { return own.contains(array); });
      if (copies) arrays_.insert(filled.begin(), filled.end());
      (copies ? copies_ : uses_).push_back(stmt);
    }
    if (arrays_.empty()) refuse("copies nothing into shared memory; `shared` comes before `pipeline`");
    const auto declares = [&](const Stmt& stmt) {
      const auto* set = std::get_if<SetLocal>(&stmt.node);
      return set != nullptr && set->declares && arrays_.contains(set->local);
    };
    std::ranges::copy_if(uses_, std::back_inserter(declarations_), declares);
    std::erase_if(uses_, declares);
  }

  /// The shared arrays that a statement fills with elements of tensors, if it does nothing else.
  std::set<LocalId> filled_by(const Stmt& stmt) const {
    std::set<LocalId> filled;
    bool only = std::holds_alternative<For>(stmt.node);
    for_each_stmt({stmt}, [&](const Stmt& each) {
      if (std::holds_alternative<For>(each.node)) return;
      const auto* set = std::get_if<SetLocal>(&each.node);
      only = only && set != nullptr && !set->declares && kernel_.shared.contains(set->local) &&
             std::holds_alternative<Read>(set->value->node);
      if (only) filled.insert(set->local);
    });
    return only ? filled : std::set<LocalId>{};
  }

  /// A copy moves to where an earlier turn is, before what that turn does.
  void check_dependences() const {
    std::set<LocalId> changed = changed_by(uses_);
    changed.merge(declared_in(uses_));
    for (const LocalId local : changed)
      if (arrays_.contains(local)) refuse(fmt::format("changes {} behind its copy", quoted(kernel_, local)));
    for (const LocalId local : used_by(copies_))
      if (changed.contains(local))
        refuse(fmt::format("copies by {}, which the turns before change", quoted(kernel_, local)));
  }

  ExprPtr place_of(const ExprPtr& turn) const { return apply(ScalarOp::mod, {turn, integer(stages_)}); }

  /// The copies of a turn, begun.
  Block copies_of(const ExprPtr& turn, const ExprPtr& place) const {
    Block block = in_place(with_loop(copies_, loop_.loop, turn), place);
    const std::function<void(Block&)> begin = [&](Block& inside) {
      for (Stmt& stmt : inside) {
        if (auto* set = std::get_if<SetLocal>(&stmt.node)) set->async = true;
        if (auto* loop = std::get_if<For>(&stmt.node)) begin(loop->body);
      }
    };
    begin(block);
    return block;
  }

  Block in_place(const Block& block, const ExprPtr& place) const {
    return with_locals(block, [&](const Local& array) -> std::optional<Local> {
      if (!arrays_.contains(array.local)) return {};
      Subscripts subscripts = array.subscripts;
      subscripts.insert(subscripts.begin(), place);
      return Local{array.local, std::move(subscripts)};
    });
  }

  Kernel& kernel_;
  const For& loop_;
  const LoopId ahead_;
  const int64_t stages_;
  std::set<LocalId>& staged_;
  std::set<LocalId> arrays_;
  Block declarations_, copies_, uses_;
};

}  // namespace

void pipeline(Kernel& kernel, const Directive& directive, Mode) {
  const LoopId loop = find_loop(kernel, directive.loops[0]);
  const int64_t stages = directive.factor;
  if (stages < 2 || stages > kMostStages)
    throw Refused{fmt::format("{} stages are no pipeline; 2 to {} are", stages, kMostStages)};
  const LoopId ahead = add_loop(kernel, fresh_name(kernel, kernel.loops[loop] + "s"));
  std::set<LocalId> staged;
  replace_loops(kernel.body, loop,
                [&](const For& found) { return Pipelining(kernel, found, ahead, stages, staged).run(); });
}

}  // namespace tenon::opt::loops
