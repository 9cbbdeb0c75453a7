// What is known of a rule's expressions where it matches: constants, and ranges.
#pragma once
#include <optional>

#include "ir/linear.h"
#include "opt/rules/match.h"

namespace tenon::opt {

class Known {
 public:
  Known(const RuleSet& rules, const Match& match, Terms& terms)
      : rules_(rules), match_(match), terms_(terms) {}

  /// The expression's value, computed as the program would; nothing if it has none or is no
  /// constant.
  std::optional<ir::Scalar> constant(ir::ExprId id) const;
  std::optional<ir::Scalar> constant(const Variable& variable) const;
  /// Whether what is constant in the expression has a value.
  bool is_computable(ir::ExprId id) const;

  struct Interval {
    ir::Wide lo, hi;
  };
  /// Where an integer expression lies over the unbounded integers; nothing if it, or what it is
  /// computed from, may leave its type.
  std::optional<Interval> interval(ir::ExprId id) const;

  /// Whether every integer in the expression is known to stay in its type.
  bool never_wraps(ir::ExprId id) const;

  /// Whether a guard is known to hold. Over the unbounded integers if `wraps` is false.
  bool holds(ir::ExprId guard, bool wraps) const;

 private:
  bool comparison_holds(const ir::Expr& node) const;
  std::optional<Interval> interval_of_apply(const ir::Expr& node) const;

  const RuleSet& rules_;
  const Match& match_;
  Terms& terms_;
};

}  // namespace tenon::opt
