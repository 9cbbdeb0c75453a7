#include "opt/loops/access.h"

namespace tenon::opt::loops {
namespace {

void collect(const Kernel& kernel, const ExprPtr& e, std::set<const Expr*>& seen,
             std::vector<Access>& found) {
  if (e == nullptr || !seen.insert(e.get()).second) return;
  for_each_operand(*e, [&](const ExprPtr& o) { collect(kernel, o, seen, found); });
  if (const auto* read = std::get_if<Read>(&e->node))
    found.push_back(
        {read->buffer, strides_of(kernel.buffers[read->buffer].type.shape, read->subscripts)});
}

void visit(const Block& block, std::vector<const For*>& open, std::vector<Site>& sites) {
  for (const Stmt& stmt : block) {
    bool holds = false;
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop != nullptr) open.push_back(loop);
    for_each_block(stmt, [&](const Block& inner) {
      holds = true;
      visit(inner, open, sites);
    });
    if (loop != nullptr) open.pop_back();
    if (!holds) sites.push_back({&stmt, open});
  }
}

/// Finds the strides of one access, term by term.
class StrideFinder {
 public:
  /// Adds those of a subscript whose turns are `step` elements apart; false if it depends on a local.
  bool add(const ExprPtr& e, int64_t step) {
    if (const std::optional<LinearForm> form = linear_form(e)) {
      for (const auto& [loop, factor] : form->factors) strides_[loop] += factor * step;
      return true;
    }
    const auto* sum = std::get_if<Apply>(&e->node);
    if (sum == nullptr || sum->op != runtime::ScalarOp::add) return make_irregular(e);
    return add(sum->args[0], step) && add(sum->args[1], step);
  }
  Strides take() {
    std::erase_if(strides_, [](const auto& entry) { return entry.second == 0; });
    for (const LoopId loop : irregular_) strides_[loop] = kIrregular;
    return std::move(strides_);
  }

 private:
  /// All loops that the expression depends on.
  bool make_irregular(const ExprPtr& e) {
    if (e == nullptr || !seen_.insert(e.get()).second) return true;
    if (std::holds_alternative<Local>(e->node)) return false;
    if (const auto* loop = std::get_if<Loop>(&e->node)) irregular_.insert(loop->loop);
    bool all = true;
    for_each_operand(*e, [&](const ExprPtr& o) { all = all && make_irregular(o); });
    return all;
  }

  Strides strides_;
  std::set<LoopId> irregular_;
  std::set<const Expr*> seen_;
};

}  // namespace

std::optional<Strides> strides_of(const ir::Shape& shape, const Subscripts& subscripts) {
  StrideFinder finder;
  int64_t step = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    if (!finder.add(subscripts[axis], step)) return {};
    step *= shape[axis];
  }
  return finder.take();
}

std::vector<Access> reads_of(const Kernel& kernel, const ExprPtr& e) {
  std::vector<Access> found;
  std::set<const Expr*> seen;
  collect(kernel, e, seen, found);
  return found;
}

std::vector<Site> sites_of(const Block& block) {
  std::vector<Site> sites;
  std::vector<const For*> open;
  visit(block, open, sites);
  return sites;
}

}  // namespace tenon::opt::loops
