#include "opt/scalar/idle_indices.h"

#include "ir/levels.h"

namespace tenon::opt {
namespace {

using namespace ir;

enum class Repeated : uint8_t {
  adds_up,    ///< n times the same is n times as much
  is_itself,  ///< min, max, any, all
  unknown,    ///< or rounded
};

Repeated when_repeated(const Expr& reduce) {
  if (runtime::is_floating(reduce.type)) return Repeated::unknown;
  switch (reduce.reduction) {
    case Reduction::sum: return Repeated::adds_up;
    case Reduction::min:
    case Reduction::max:
    case Reduction::any:
    case Reduction::all: return Repeated::is_itself;
    default: return Repeated::unknown;
  }
}

/// How often an index turns, if that is written there, and more than not at all.
std::optional<uint64_t> turns(const Exprs& exprs, const Expr& reduce, size_t index) {
  const Expr &lo = exprs[reduce.args[2 * index]], &hi = exprs[reduce.args[2 * index + 1]];
  if (lo.kind != ExprKind::constant || hi.kind != ExprKind::constant) return std::nullopt;
  if (lo.constant.i >= hi.constant.i) return std::nullopt;
  return static_cast<uint64_t>(hi.constant.i) - static_cast<uint64_t>(lo.constant.i);
}

/// The body under the indices that stay. Levels are numbered anew, those of reductions inside it, too.
ExprId renumbered(Exprs& exprs, const Expr& reduce, const std::vector<bool>& stays) {
  std::vector<ExprId> replacements;
  for (uint32_t level = 0; level < reduce.level; ++level) replacements.push_back(exprs.index(level));
  uint32_t next = reduce.level;
  for (const bool s : stays) replacements.push_back(exprs.index(s ? next++ : 0));
  const int gone = static_cast<int>(replacements.size()) - static_cast<int>(next);
  return substitute(exprs, reduce.reduce_body(), replacements, -gone);
}

}  // namespace

ExprId without_idle_indices(Exprs& exprs, ExprId id, bool body_may_fail) {
  const Expr reduce = exprs[id];  // a copy: the arena grows
  const Repeated repeated = when_repeated(reduce);
  if (repeated == Repeated::unknown || body_may_fail || reduce.keeps_names) return id;

  std::vector<bool> stays;
  std::vector<ExprId> bounds;
  std::vector<std::string> names;
  uint64_t all_turns = 1;  // it wraps as the sum does
  for (size_t i = 0; i < reduce.reduce_rank(); ++i) {
    const std::optional<uint64_t> n = turns(exprs, reduce, i);
    stays.push_back(!n || has_index(exprs, reduce.reduce_body(), reduce.level + static_cast<uint32_t>(i)));
    if (!stays.back()) {
      all_turns *= *n;
      continue;
    }
    bounds.insert(bounds.end(), {reduce.args[2 * i], reduce.args[2 * i + 1]});
    if (!reduce.names.empty()) names.push_back(reduce.names[i]);
  }
  if (bounds.size() + 1 == reduce.args.size()) return id;

  const ExprId body = renumbered(exprs, reduce, stays);
  const ExprId rest =
      bounds.empty() ? body : exprs.reduce(reduce.reduction, reduce.level, bounds, body, names);
  if (repeated == Repeated::is_itself) return rest;
  return exprs.apply(ScalarOp::mul, {rest, exprs.constant(Scalar::integer(
                                               reduce.type, static_cast<int64_t>(all_turns)))});
}

}  // namespace tenon::opt
