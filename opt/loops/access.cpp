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

}  // namespace

std::optional<Strides> strides_of(const ir::Shape& shape, const Subscripts& subscripts) {
  Strides strides;
  int64_t step = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    const std::optional<LinearForm> form = linear_form(subscripts[axis]);
    if (!form) return {};
    for (const auto& [loop, factor] : form->factors) strides[loop] += factor * step;
    step *= shape[axis];
  }
  std::erase_if(strides, [](const auto& entry) { return entry.second == 0; });
  return strides;
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
