// What is known of integer expressions at one place of a body: the ranges of the bound indices, and
// the conditions that hold there.
#pragma once
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "ir/linear.h"
#include "ir/ranges.h"

namespace tenon::ir {

inline constexpr int64_t kFuelPerQuery = 20'000;

class RangeProver {
 public:
  /// Where a scalar lies, or each element of a tensor, that the body names.
  using RangeOfValue = std::function<Range(ValueId)>;

  /// After `fuel` steps every answer is the widest: expressions can be made that take exponentially
  /// many. Without `range_of_value` nothing is known of values.
  RangeProver(const Function& function, std::span<const Range> levels, int64_t fuel,
              RangeOfValue range_of_value = {})
      : function_(function),
        levels_(levels.begin(), levels.end()),
        fuel_(fuel),
        range_of_value_(std::move(range_of_value)) {}
  /// For the bodies of a compute: its indices are known, and the fuel grows with the nodes.
  RangeProver(const Function& function, const Compute& compute, RangeOfValue range_of_value = {});

  bool exhausted() const { return fuel_ < 0; }
  /// Counts a step of whoever asks; false if there are none left.
  bool step() { return --fuel_ >= 0; }

  Range range(ExprId id);
  /// Whether an integer expression is known not to be 0.
  bool is_nonzero(ExprId id);
  /// Whether lo < hi is known for every index of a reduction, or its opposite for some.
  bool surely_runs(const Expr& reduce);
  bool never_runs(const Expr& reduce);

  /// Runs `inside` as one branch of an if: knowing that `condition` gave `holds`. Not if it cannot.
  template <class Inside>
  void in_branch(ExprId condition, bool holds, Inside inside) {
    const State before = state();
    if (assume(condition, holds)) inside();
    restore(before);
  }
  /// Runs `inside` as a reduction's body: its indices are bound.
  template <class Inside>
  void in_reduction(const Expr& reduce, Inside inside) {
    if (reduce.level < levels_.size()) return in_outer_reduction(reduce, inside);
    const State before = state();
    bind_indices(reduce);
    inside();
    restore(before);
  }

 private:
  struct State {
    size_t levels, at_most_zero, nonzero;
  };
  State state() const { return {levels_.size(), at_most_zero_.size(), nonzero_.size()}; }
  void restore(const State& state);

  /// A reduction in a bound of an index that is known here, as `max[j: 4](j)` in `sum[i: max[j: 4](j)]`: its own
  /// indices have levels that are others' here, so nothing that is known of those counts in it.
  template <class Inside>
  void in_outer_reduction(const Expr& reduce, Inside inside) {
    const auto levels = levels_;
    const auto at_most_zero = std::exchange(at_most_zero_, {}), nonzero = std::exchange(nonzero_, {});
    levels_.resize(reduce.level);
    bind_indices(reduce);
    inside();
    levels_ = levels, at_most_zero_ = at_most_zero, nonzero_ = nonzero;
  }

  bool assume(ExprId condition, bool holds);
  bool assume_comparison(ScalarOp op, ExprId left, ExprId right);
  bool assume_at_most_zero(const std::optional<Linear>& sum);
  void bind_indices(const Expr& reduce);

  Linear linear(ExprId id);
  std::optional<Linear> unwrapped(ExprId id);
  Range interval(const Linear& sum);
  bool fits(const Linear& sum, DType type);
  /// Over the unbounded integers; far ends are cut off beyond every i64.
  struct WideRange {
    Wide lo, hi;
  };
  WideRange wide_interval(const Linear& sum);
  Range atom(ExprId id);
  Range atom_of_apply(const Expr& node);
  Range if_range(const Expr& node);
  Range reduce_range(const Expr& node);
  Range index_range(const Expr& reduce, size_t i);

  const Expr& node(ExprId id) const { return function_.exprs[id]; }

  const Function& function_;
  std::vector<Range> levels_;
  std::vector<Linear> at_most_zero_;  ///< sums known to be ≤ 0
  std::vector<Linear> nonzero_;
  int64_t fuel_;
  RangeOfValue range_of_value_;
};

}  // namespace tenon::ir
