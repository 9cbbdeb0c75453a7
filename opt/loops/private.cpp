#include "opt/loops/private.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::opt::loops {
namespace {

/// Of an array, as far as it matters to loops of a kind, over blocks or over threads, that it is declared around.
struct Array {
  size_t around = 0;                             ///< how many such loops are open where it is declared
  bool in_block = false;                         ///< likewise, whether one over blocks is
  bool changed = false;                          ///< inside of others
  bool consistent = true;                        ///< every access is inside the same others
  std::optional<std::vector<LoopId>> turns;      ///< these
  std::vector<std::optional<LoopId>> axes = {};  ///< that of them which an axis is for

  /// Whether every turn has a part of its own, and keeps to it.
  bool is_divided() const {
    return consistent && turns && std::ranges::all_of(*turns, [&](LoopId turn) {
             return std::ranges::count(axes, std::optional(turn)) != 0;
           });
  }
  bool is_mixed() const { return changed && !is_divided(); }
};

class Finder {
 public:
  Finder(const Kernel& kernel, LoopKind kind) : kernel_(kernel), kind_(kind) { block(kernel.body); }

  std::map<LocalId, Array> take() { return std::move(arrays_); }

 private:
  void block(const Block& stmts) {
    for (const Stmt& stmt : stmts) {
      const auto* set = std::get_if<SetLocal>(&stmt.node);
      if (set != nullptr && set->declares) declare(set->local);
      if (set != nullptr && !set->declares) access(set->local, set->subscripts, true);
      std::set<const Expr*> seen;
      const std::function<void(const ExprPtr&)> walk = [&](const ExprPtr& e) {
        if (e == nullptr || !seen.insert(e.get()).second) return;
        if (const auto* read = std::get_if<Local>(&e->node)) access(read->local, read->subscripts, false);
        for_each_operand(*e, walk);
      };
      for_each_expr(stmt, walk);
      const auto* loop = std::get_if<For>(&stmt.node);
      const bool opens = loop != nullptr && loop->kind == kind_;
      const bool was_in_block = in_block_;
      in_block_ |= loop != nullptr && loop->kind == LoopKind::block;
      if (opens) open_.push_back(loop->loop), turns_[loop->loop] = turns_of(*loop).value_or(-1);
      for_each_block(stmt, [&](const Block& inner) { block(inner); });
      if (opens) open_.pop_back();
      in_block_ = was_in_block;
    }
  }

  void declare(LocalId local) {
    if (kernel_.locals[local].is_scalar()) return;
    Array& array = arrays_[local];
    array.around = open_.size();
    array.in_block = in_block_;
    array.axes.resize(kernel_.locals[local].shape.size());
  }

  void access(LocalId local, const Subscripts& subscripts, bool changes) {
    const auto found = arrays_.find(local);
    if (found == arrays_.end()) return;
    Array& array = found->second;
    const std::vector<LoopId> inside(open_.begin() + static_cast<std::ptrdiff_t>(array.around), open_.end());
    array.changed |= changes && !inside.empty();
    const bool first = !array.turns.has_value();
    if (first) array.turns = inside;
    array.consistent &= array.turns == inside;
    for (size_t axis = 0; axis < subscripts.size(); ++axis) {
      const auto* loop = std::get_if<Loop>(&subscripts[axis]->node);
      const bool is_turn = loop != nullptr && std::ranges::count(inside, loop->loop) != 0 &&
                           turns_[loop->loop] == kernel_.locals[local].shape[axis];
      const std::optional<LoopId> turn = is_turn ? std::optional(loop->loop) : std::nullopt;
      if (first) array.axes[axis] = turn;
      else if (array.axes[axis] != turn) array.axes[axis].reset();
    }
  }

  const Kernel& kernel_;
  const LoopKind kind_;
  std::vector<LoopId> open_;  ///< the loops of the kind around, outermost first
  bool in_block_ = false;
  std::map<LoopId, int64_t> turns_;
  std::map<LocalId, Array> arrays_;
};

}  // namespace

void share_definitions(Kernel& kernel) {
  for (const auto& [local, array] : Finder(kernel, LoopKind::thread).take())
    if (array.is_mixed() && array.in_block && array.around == 0 && kernel.definitions.contains(local))
      kernel.shared.insert(local);
}

void check_private(const Kernel& kernel) {
  for (const auto& [local, array] : Finder(kernel, LoopKind::thread).take())
    if (array.is_mixed() && !kernel.shared.contains(local))
      throw Refused{fmt::format("the threads of a block all change {}, which is not shared",
                                quoted(kernel, local))};
  for (const auto& [local, array] : Finder(kernel, LoopKind::block).take())
    if (array.is_mixed())
      throw Refused{fmt::format("{} is made up by several blocks, which see nothing of each other's arrays",
                                quoted(kernel, local))};
}

/// At least one axis stays: what is left of an array is not taken for a number that threads add up.
Kernel privatized(const Kernel& kernel) {
  Kernel result = kernel;
  std::map<LocalId, std::vector<bool>> gone;
  for (const auto& [local, array] : Finder(kernel, LoopKind::thread).take()) {
    if (!array.changed || !array.is_divided() || kernel.shared.contains(local)) continue;
    std::vector<bool>& axes = gone[local];
    ir::Shape shape;
    for (size_t axis = 0; axis < array.axes.size(); ++axis) {
      axes.push_back(array.axes[axis].has_value());
      if (!axes.back()) shape.push_back(kernel.locals[local].shape[axis]);
    }
    if (shape.empty()) shape.push_back(1);
    result.locals[local].shape = shape;
  }
  if (gone.empty()) return result;
  result.body = with_locals(result.body, [&](const Local& array) -> std::optional<Local> {
    const auto found = gone.find(array.local);
    if (found == gone.end()) return {};
    Subscripts stay;
    for (size_t axis = 0; axis < array.subscripts.size(); ++axis)
      if (!found->second[axis]) stay.push_back(array.subscripts[axis]);
    if (stay.empty()) stay.push_back(integer(0));
    return Local{array.local, std::move(stay)};
  });
  return result;
}

}  // namespace tenon::opt::loops
