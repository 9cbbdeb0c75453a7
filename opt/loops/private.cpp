#include "opt/loops/private.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::opt::loops {
namespace {

/// Of an array that is declared where no loop of a kind, over threads or over blocks, is open.
struct Array {
  bool changed = false;                          ///< inside such a loop
  bool consistent = true;                        ///< every access is inside the same ones
  std::optional<std::vector<LoopId>> loops;      ///< these
  std::vector<std::optional<LoopId>> axes = {};  ///< the one that an axis is for
};

class Finder {
 public:
  Finder(const Kernel& kernel, LoopKind kind) : kernel_(kernel), kind_(kind) { block(kernel.body); }

  std::map<LocalId, Array> take() { return std::move(arrays_); }

 private:
  void block(const Block& stmts) {
    for (const Stmt& stmt : stmts) {
      const auto* set = std::get_if<SetLocal>(&stmt.node);
      if (set != nullptr && set->declares && open_.empty() && !kernel_.locals[set->local].is_scalar() &&
          !kernel_.shared.contains(set->local))
        arrays_[set->local].axes.resize(kernel_.locals[set->local].shape.size());
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
      if (opens) open_.push_back(loop->loop), turns_[loop->loop] = turns_of(*loop).value_or(-1);
      for_each_block(stmt, [&](const Block& inner) { block(inner); });
      if (opens) open_.pop_back();
    }
  }

  void access(LocalId local, const Subscripts& subscripts, bool changes) {
    const auto found = arrays_.find(local);
    if (found == arrays_.end()) return;
    Array& array = found->second;
    array.changed |= changes && !open_.empty();
    const bool first = !array.loops.has_value();
    if (first) array.loops = open_;
    array.consistent &= array.loops == open_;
    for (size_t axis = 0; axis < subscripts.size(); ++axis) {
      const auto* loop = std::get_if<Loop>(&subscripts[axis]->node);
      const bool is_whole = loop != nullptr && std::ranges::count(open_, loop->loop) != 0 &&
                            turns_[loop->loop] == kernel_.locals[local].shape[axis];
      const std::optional<LoopId> whole = is_whole ? std::optional(loop->loop) : std::nullopt;
      if (first) array.axes[axis] = whole;
      else if (array.axes[axis] != whole) array.axes[axis].reset();
    }
  }

  const Kernel& kernel_;
  const LoopKind kind_;
  std::vector<LoopId> open_;  ///< the loops of the kind around, outermost first
  std::map<LoopId, int64_t> turns_;
  std::map<LocalId, Array> arrays_;
};

/// Whether every thread, or block, has a part of its own, and keeps to it.
bool is_divided(const Array& array) {
  if (!array.consistent || !array.loops) return false;
  return std::ranges::all_of(*array.loops, [&](LoopId loop) {
    return std::ranges::count(array.axes, std::optional(loop)) != 0;
  });
}

}  // namespace

void check_private(const Kernel& kernel) {
  for (const auto& [local, array] : Finder(kernel, LoopKind::thread).take())
    if (array.changed && !is_divided(array))
      throw Refused{fmt::format("the threads of a block all change {}, which is not shared",
                                quoted(kernel, local))};
  for (const auto& [local, array] : Finder(kernel, LoopKind::block).take())
    if (array.changed && !is_divided(array))
      throw Refused{fmt::format("{} is made up by several blocks, which see nothing of each other's arrays",
                                quoted(kernel, local))};
}

/// At least one axis stays: what is left of an array is not taken for a number that threads add up.
Kernel privatized(const Kernel& kernel) {
  Kernel result = kernel;
  std::map<LocalId, std::vector<bool>> gone;
  for (const auto& [local, array] : Finder(kernel, LoopKind::thread).take()) {
    if (!array.changed || !is_divided(array)) continue;
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
