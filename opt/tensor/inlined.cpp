// Substitution as a walk over nodes and the number of indices bound around them: the levels of the
// producer's own reductions follow from it, so a read in two loops becomes two bodies.
#include "opt/tensor/inlined.h"

#include <algorithm>
#include <map>

namespace tenon::opt {
namespace {

using namespace ir;

class Inlining {
 public:
  Inlining(Exprs& exprs, ValueId value, const Compute& producer, const Compute& consumer)
      : exprs_(exprs), value_(value), producer_(producer), consumer_(consumer) {}

  Compute run() {
    const auto depth = static_cast<uint32_t>(consumer_.extents.size());
    Compute fused = consumer_;
    for (ExprId& body : fused.bodies) body = inlined(body, depth);
    fused.sites.clear();
    for (const auto& [id, span] : consumer_.sites) {
      if (exprs_[id].value == value_) continue;  // the read is no more
      for (auto now = now_.lower_bound({id, 0}); now != now_.end() && now->first.first == id; ++now)
        fused.sites.emplace_back(now->second, span);
    }
    return fused;
  }

 private:
  ExprId inlined(ExprId id, uint32_t depth) {
    if (const auto known = now_.find({id, depth}); known != now_.end()) return known->second;
    std::vector<ExprId> args = exprs_[id].args;
    for (size_t i = 0; i < args.size(); ++i) {
      const Expr& node = exprs_[id];
      const bool is_body = node.kind == ExprKind::reduce && i + 1 == args.size();
      args[i] = inlined(args[i], depth + (is_body ? uint32_t(node.reduce_rank()) : 0));
    }
    const bool is_read = exprs_[id].kind == ExprKind::read && exprs_[id].value == value_;
    const int shift = static_cast<int>(depth) - static_cast<int>(producer_.extents.size());
    const ExprId now = is_read ? substitute(exprs_, producer_.bodies[0], args, shift)
                               : exprs_.with_args(id, std::move(args));
    now_[{id, depth}] = now;
    return now;
  }

  Exprs& exprs_;
  ValueId value_;
  const Compute& producer_;
  const Compute& consumer_;
  std::map<std::pair<ExprId, uint32_t>, ExprId> now_;
};

}  // namespace

Compute inlined(Exprs& exprs, ValueId value, const Compute& producer, const Compute& consumer) {
  return Inlining(exprs, value, producer, consumer).run();
}

void add_sites(Compute& fused, const std::vector<ExprId>& fallible, const Compute& producer, Span place) {
  const std::map<ExprId, Span> sites(producer.sites.begin(), producer.sites.end());
  for (ExprId id : fallible) fused.sites.emplace_back(id, sites.contains(id) ? sites.at(id) : place);
}

uint32_t tree_size(const Exprs& exprs, const Compute& compute) {
  uint32_t size = 0;
  for (ExprId body : compute.bodies) size = std::max(size, exprs[body].tree_size);
  return size;
}

}  // namespace tenon::opt
