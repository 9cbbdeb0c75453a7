#include "opt/loops/access.h"

#include <algorithm>

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

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

void add_terms(const ExprPtr& e, std::vector<ExprPtr>& terms) {
  const auto* sum = std::get_if<Apply>(&e->node);
  if (sum == nullptr || sum->op != ScalarOp::add) return terms.push_back(e);
  for (const ExprPtr& part : sum->args) add_terms(part, terms);
}

/// The term `op`(x, c) among others; null if there is none.
const Apply* term_of(const std::vector<ExprPtr>& terms, ScalarOp op, int64_t c) {
  for (const ExprPtr& term : terms) {
    const auto* apply = std::get_if<Apply>(&term->node);
    if (apply != nullptr && apply->op == op && constant_of(apply->args[1]) == c) return apply;
  }
  return nullptr;
}

/// Of x / c + u and x % c + v, on axes of which the second has c elements: x + u * c + v. Null if they are
/// something else.
ExprPtr taken_apart(const ExprPtr& high, const ExprPtr& low, int64_t c) {
  std::vector<ExprPtr> highs, lows;
  add_terms(high, highs), add_terms(low, lows);
  const Apply *quotient = term_of(highs, ScalarOp::div, c), *rest = term_of(lows, ScalarOp::mod, c);
  if (quotient == nullptr || rest == nullptr) return nullptr;
  const std::optional<LinearForm> of = linear_form(quotient->args[0]);
  const bool same = of ? of == linear_form(rest->args[0]) : same_text(quotient->args[0], rest->args[0]);
  if (!same) return nullptr;
  ExprPtr whole = quotient->args[0];
  for (const ExprPtr& term : highs)
    if (std::get_if<Apply>(&term->node) != quotient) whole = sum(whole, product(term, c));
  for (const ExprPtr& term : lows)
    if (std::get_if<Apply>(&term->node) != rest) whole = sum(whole, term);
  return whole;
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
    if (sum == nullptr || sum->op != ScalarOp::add) return make_irregular(e);
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

std::vector<Step> steps_along(const ir::Shape& shape, const Subscripts& subscripts) {
  std::vector<Step> steps;
  int64_t elements = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    ExprPtr subscript = subscripts[axis];
    int64_t extent = shape[axis];
    while (axis > 0) {
      const ExprPtr whole = taken_apart(subscripts[axis - 1], subscript, extent);
      if (whole == nullptr) break;
      subscript = whole, extent *= shape[--axis];
    }
    steps.push_back({subscript, elements});
    elements *= extent;
  }
  std::ranges::reverse(steps);
  return steps;
}

std::optional<Strides> strides_of(const ir::Shape& shape, const Subscripts& subscripts) {
  StrideFinder finder;
  for (const Step& step : steps_along(shape, subscripts))
    if (!finder.add(step.subscript, step.elements)) return {};
  return finder.take();
}

std::vector<Access> reads_of(const Kernel& kernel, const ExprPtr& e) {
  std::vector<Access> found;
  std::set<const Expr*> seen;
  collect(kernel, e, seen, found);
  return found;
}

void for_each_expr(const Block& block,
                   const std::function<void(const ExprPtr&, const std::vector<const For*>& around)>& visit) {
  std::vector<const For*> open;
  const std::function<void(const Block&)> look = [&](const Block& inside) {
    for (const Stmt& stmt : inside) {
      const std::function<void(const ExprPtr&)> walk = [&](const ExprPtr& e) {
        if (e == nullptr) return;
        for_each_operand(*e, walk);
        visit(e, open);
      };
      for_each_expr(stmt, walk);
      const auto* loop = std::get_if<For>(&stmt.node);
      if (loop != nullptr) open.push_back(loop);
      for_each_block(stmt, look);
      if (loop != nullptr) open.pop_back();
    }
  };
  look(block);
}

void for_each_read(const Block& block, BufferId buffer,
                   const std::function<void(const Read&, const std::vector<const For*>& around)>& visit) {
  for_each_expr(block, [&](const ExprPtr& e, const std::vector<const For*>& around) {
    const auto* read = std::get_if<Read>(&e->node);
    if (read != nullptr && read->buffer == buffer) visit(*read, around);
  });
}

std::vector<Site> sites_of(const Block& block) {
  std::vector<Site> sites;
  std::vector<const For*> open;
  visit(block, open, sites);
  return sites;
}

}  // namespace tenon::opt::loops
