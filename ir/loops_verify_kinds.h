// The verifier's rules for how the turns of loops are taken.
#pragma once
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/loops.h"

namespace tenon::ir::loops {

/// What is wrong with the kind of a loop itself: its bounds, and the loops around it (outermost
/// first).
std::optional<std::string> kind_error(const Kernel& kernel, const For& loop,
                                      std::span<const For* const> around);

/// What the turns of a loop may do, so that they may be taken at once.
class TurnRules {
 public:
  /// `around`: the loops around it, outermost first. `outside`: the locals declared around it, by LocalId.
  TurnRules(const Kernel& kernel, const For& loop, std::span<const For* const> around, std::vector<bool> outside);

  /// What is wrong with a statement somewhere inside, if anything (not with those of its blocks).
  std::optional<std::string> error_of(const Stmt& stmt);

 private:
  using Error = std::optional<std::string>;
  bool spread(const Block& block);
  bool varies(const ExprPtr& e);
  bool any_varies(const std::vector<ExprPtr>& exprs);
  Error error(const For& inner);
  Error error(const SetLocal& set);
  Error error(const If& branch);
  Error error(const Store& store);
  Error error(const Prefetch&) { return {}; }
  Error error(const Check&);
  Error error(const CallInto&);
  Error read_error(const Stmt& stmt);
  Error read_error(const ExprPtr& e);
  bool is_outside(LocalId local) const { return local < outside_.size() && outside_[local]; }
  Error error(const Barrier&) { return {}; }
  Error error(const Await&) { return {}; }
  bool is_vectorized() const { return loop_.kind == LoopKind::vectorized; }
  /// Its turns may change a scalar from outside, by steps of one operation.
  bool takes_steps() const { return is_vectorized() || loop_.kind == LoopKind::thread; }

  const Kernel& kernel_;
  const For& loop_;
  const std::string name_;  ///< as in "the vectorized loop `ji`"
  const bool adds_up_;      ///< its turns may put together what they have of a scalar
  std::vector<bool> outside_;
  std::set<LocalId> varying_;                             ///< that may differ from turn to turn
  std::set<LocalId> changed_;                             ///< from outside, that the body sets
  std::unordered_map<LocalId, runtime::ScalarOp> steps_;  ///< by what scalars change
  std::unordered_map<const Expr*, bool> known_;           ///< what varies() has found
  std::unordered_set<const Expr*> fine_;                  ///< for read_error(), in one statement
};

}  // namespace tenon::ir::loops
