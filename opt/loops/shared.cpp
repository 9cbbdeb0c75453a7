// shared w at ko: at the beginning of each turn of the loop `ko`, what the turn reads of %w is copied into
// shared memory, by all threads of the block together, and read there. As with `pack`, that pays where
// elements are read many times; here by many threads. Neighbouring threads copy neighbouring elements, each
// 16 bytes at once where it can, and the rows of the array may be longer than what they hold, so that
// what the threads want does not lie in one bank (banks.h). It comes after `thread`, which says how many threads there are.
//
// [snippet when]
// A thread may read what another has copied only when that one is done, and overwrite it only when all have
// read it: add_barriers() puts a barrier between the two, in the turns of a loop around them too.
// [end]
#include "opt/loops/shared.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "ir/loops_launch.h"
#include "opt/loops/access.h"
#include "opt/loops/banks.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;

constexpr int64_t kBytesAtOnce = 16;

// ---- barriers

/// What has been done to shared arrays since the last barrier.
struct Pending {
  std::set<LocalId> read, written;
  std::set<LocalId> begun;  ///< of what a statement writes, that which arrives at an `await`: till then nobody reads it
  void add(const Pending& other) {
    read.insert(other.read.begin(), other.read.end());
    std::ranges::set_difference(other.written, other.begun, std::inserter(written, written.end()));
  }
};

class Barriers {
 public:
  explicit Barriers(const Kernel& kernel) : kernel_(kernel) {
    for (const Stmt& stmt : kernel.body) begun_.merge(of(stmt).begun);
  }

  // [snippet barriers]
  /// Statements outside of thread loops; `pending` before and after them. A loop that only writes is a
  /// copy, each turn of which fills other elements.
  void block(Block& stmts, Pending& pending) {
    Block result;
    for (Stmt& stmt : stmts) {
      if (std::holds_alternative<Barrier>(stmt.node)) continue;
      if (std::holds_alternative<Await>(stmt.node)) pending.written.insert(begun_.begin(), begun_.end());
      // [exercise barriers]
      // [starter] static_cast<void>(pending);
      auto* loop = std::get_if<For>(&stmt.node);
      auto* branch = std::get_if<If>(&stmt.node);
      const bool around = hands_on(stmt);
      const Pending done = around ? first_of(stmt) : of(stmt);
      if (meets(pending, done)) {
        result.push_back({Barrier{}});
        pending = {};
      }
      pending.add(done);
      if (around && loop != nullptr) turns(*loop, pending);
      if (around && branch != nullptr) sides(*branch, pending);
      // [end]
      result.push_back(std::move(stmt));
    }
    stmts = std::move(result);
  }
  // [end]

 private:
  /// A loop around thread loops. The first time it is found what a turn leaves behind, for the next one to
  /// find.
  void turns(For& loop, Pending& pending) {
    // A turn over blocks has threads and memory of its own.
    if (loop.kind == LoopKind::block || turns_of(loop) == 1) return block(loop.body, pending);
    // [exercise barriers]
    // [starter] block(loop.body, pending);
    Block trial = loop.body;
    Pending behind = pending;
    block(trial, behind);
    pending.add(behind);
    block(loop.body, pending);
    // [end]
  }

  /// Both sides of a branch that all threads take, or none.
  void sides(If& branch, Pending& pending) {
    Pending otherwise = pending;
    block(branch.then, pending);
    block(branch.otherwise, otherwise);
    pending.add(otherwise);
  }

  /// Whether threads may hand something on inside the statement, which is around their loops.
  bool hands_on(const Stmt& stmt) const {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop != nullptr && loop->kind == LoopKind::thread) return false;
    bool threads = false;
    for_each_block(stmt, [&](const Block& inner) { threads |= has_threads(inner); });
    const Pending inside = of(stmt);
    return threads ? !inside.read.empty() : common(inside.read, inside.written);
  }

  /// Which shared arrays the statement reads and writes, with all that is in it.
  Pending of(const Stmt& stmt) const {
    Pending all;
    const auto look = [&](const Stmt& each) {
      const auto* set = std::get_if<SetLocal>(&each.node);
      if (set == nullptr || set->declares || !kernel_.shared.contains(set->local)) return;
      all.written.insert(set->local);
      if (set->async) all.begun.insert(set->local);
    };
    const Block one{stmt};
    for_each_stmt(one, look);
    for_each_node(one, [&](const ExprPtr& e) { note_read(e, all); });
    return all;
  }

  /// What it reads before all that is in it: a loop's bounds, a condition.
  Pending first_of(const Stmt& stmt) const {
    Pending first;
    std::set<const Expr*> seen;
    const std::function<void(const ExprPtr&)> walk = [&](const ExprPtr& e) {
      if (e == nullptr || !seen.insert(e.get()).second) return;
      note_read(e, first);
      for_each_operand(*e, walk);
    };
    for_each_expr(stmt, walk);
    return first;
  }

  void note_read(const ExprPtr& e, Pending& to) const {
    const auto* read = std::get_if<Local>(&e->node);
    if (read != nullptr && kernel_.shared.contains(read->local)) to.read.insert(read->local);
  }

  static bool common(const std::set<LocalId>& a, const std::set<LocalId>& b) {
    return std::ranges::any_of(a, [&](LocalId local) { return b.contains(local); });
  }

  /// Whether the one may get into the way of the other.
  static bool meets(const Pending& before, const Pending& now) {
    return common(before.written, now.read) || common(before.read, now.written) ||
           common(before.written, now.written);
  }

  const Kernel& kernel_;
  std::set<LocalId> begun_;  ///< that copies fill which go on until an `await`
};

}  // namespace

bool has_threads(const Block& block) {
  bool found = false;
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    found |= loop != nullptr && loop->kind == LoopKind::thread;
  });
  return found;
}

void add_barriers(Kernel& kernel) {
  Pending pending;
  Barriers(kernel).block(kernel.body, pending);
}

void shared(Kernel& kernel, const Directive& directive, Mode mode) {
  const LoopId at = find_loop(kernel, directive.loops[0]);
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* around = std::get_if<For>(&stmt.node);
    if (around != nullptr && around->kind == LoopKind::thread &&
        (around->loop == at || contains_loop(around->body, at)))
      throw Refused{fmt::format("loop {} is in a thread's turns; the threads of a block copy together",
                                quoted(kernel.loops[at]))};
  });
  const int64_t threads = ir::loops::launch_of(kernel).threads;
  if (threads == 1) throw Refused{"there are no threads yet: `thread` comes before"};
  const std::vector<CopiedOperand> copies = copy_operand(kernel, directive, CopyOrder::as_stored);
  if (copies.empty()) throw Refused{fmt::format("%{} is not read there", directive.operand)};

  const int64_t bytes = runtime::row(kernel.locals[copies[0].array].dtype).bytes;
  int64_t lanes = kBytesAtOnce / bytes;
  std::vector<std::string> loops;
  for (const LoopId loop : copies[0].loops) loops.push_back(kernel.loops[loop]);
  for (const CopiedOperand& copy : copies)
    if (!copy.is_contiguous || kernel.locals[copy.array].shape.back() % lanes != 0) lanes = 1;
  for (const CopiedOperand& copy : copies) kernel.shared.insert(copy.array);
  if (lanes > 1) {
    const std::string outer = fresh_name(kernel, loops.back() + "o"), lane = fresh_name(kernel, loops.back() + "v");
    apply_directive(kernel, {DirectiveKind::split_, {loops.back()}, {outer, lane}, lanes}, mode);
    apply_directive(kernel, {DirectiveKind::vectorize_, {lane}}, mode);
    loops.back() = outer;
  }
  std::string all = loops[0];
  for (size_t i = 1; i < loops.size(); ++i) {
    const std::string both = fresh_name(kernel, all + loops[i]);
    apply_directive(kernel, {DirectiveKind::fuse_, {all, loops[i]}, {both}}, mode);
    all = both;
  }
  thread_free_loop(kernel, all, threads);
  for (const CopiedOperand& copy : copies) choose_layout(kernel, copy.array, lanes);
}

}  // namespace tenon::opt::loops
