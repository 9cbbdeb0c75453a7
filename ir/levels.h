// Which loops a node depends on: what does not need the inner ones can be computed in front of them.
#pragma once
#include <unordered_map>

#include "ir/ir.h"

namespace tenon::ir {

class LevelsNeeded {
 public:
  explicit LevelsNeeded(const Exprs& exprs) : exprs_(exprs) {}

  /// How many of the levels around a node it depends on: one more than the innermost whose index it has.
  uint32_t of(ExprId id);

 private:
  uint32_t outside(const Expr& reduce) const;

  const Exprs& exprs_;
  std::unordered_map<ExprId, uint32_t> known_;
};

/// Whether the index of a level stands in a body.
bool has_index(const Exprs& exprs, ExprId body, uint32_t level);

/// Whether a node is worth computing in front of a loop that it does not depend on. Integers are not: most
/// are subscripts, which cost nothing where loops step through them.
bool is_worth_hoisting(const Expr& node);

/// The same text for reductions that are equal but for how deep they stand: levels are numbered from theirs.
std::string key_of_reduction(const Exprs& exprs, ExprId reduce);

}  // namespace tenon::ir
