#include "opt/memory/in_place.h"

#include <algorithm>
#include <unordered_set>

#include "opt/loops/nest.h"

namespace tenon::opt::memory {
namespace {

using namespace ir::loops;
using opt::loops::linear_form;
using opt::loops::LinearForm;

/// An element, by sums of loop variables.
using Element = std::vector<LinearForm>;

class Reads {
 public:
  Reads(BufferId input, BufferId output) : input_(input), output_(output) {}

  /// Of a block, those that no store of theirs follows in it. Nothing where that cannot be said.
  std::optional<std::vector<Element>> open_in(const Block& block) {
    std::vector<Element> open;
    for (const Stmt& stmt : block) {
      bool known = true;
      for_each_expr(stmt, [&](const ExprPtr& e) { known = known && collect(e, open); });
      for_each_block(stmt, [&](const Block& inner) {
        const auto more = open_in(inner);
        known = known && more;
        if (more) open.insert(open.end(), more->begin(), more->end());
      });
      if (!known) return std::nullopt;
      const auto* store = std::get_if<Store>(&stmt.node);
      if (store == nullptr || store->buffer != output_) continue;
      const std::optional<Element> stored = element(store->subscripts);
      if (!stored) return std::nullopt;
      std::erase(open, *stored);
    }
    return open;
  }

 private:
  static std::optional<Element> element(const Subscripts& subscripts) {
    Element result;
    for (const ExprPtr& s : subscripts) {
      std::optional<LinearForm> form = linear_form(s);
      if (!form) return std::nullopt;
      result.push_back(std::move(*form));
    }
    return result;
  }

  bool collect(const ExprPtr& e, std::vector<Element>& open) {
    std::unordered_set<const Expr*> seen;
    bool known = true;
    const auto visit = [&](const auto& self, const ExprPtr& at) -> void {
      if (at == nullptr || !known || !seen.insert(at.get()).second) return;
      for_each_operand(*at, [&](const ExprPtr& operand) { self(self, operand); });
      const auto* read = std::get_if<Read>(&at->node);
      if (read == nullptr || read->buffer != input_) return;
      const std::optional<Element> found = element(read->subscripts);
      known = known && found;
      if (found && std::ranges::find(open, *found) == open.end()) open.push_back(*found);
    };
    visit(visit, e);
    return known;
  }

  BufferId input_, output_;
};

}  // namespace

bool may_share(const Kernel& kernel, BufferId input, BufferId output) {
  const ir::Type &from = kernel.buffers[input].type, &to = kernel.buffers[output].type;
  if (from.shape != to.shape || runtime::row(from.dtype).bytes != runtime::row(to.dtype).bytes)
    return false;
  const auto open = Reads(input, output).open_in(kernel.body);
  return open && open->empty();
}

}  // namespace tenon::opt::memory
