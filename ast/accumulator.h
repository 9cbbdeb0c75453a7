// A reduction as the oracle runs it: takes in the elements one by one, in order.
#pragma once
#include <optional>

#include "ast/tree.h"
#include "runtime/scalar.h"

namespace tenon::ast {

// [snippet accumulator]
class Accumulator {
 public:
  /// Of elements of `type`.
  Accumulator(Reduction reduction, DType type);

  /// `index` is the value of the last index, which argmax and argmin give.
  void take(runtime::Scalar x, int64_t index);

  /// Nothing for a max, min, argmax or argmin of no elements.
  std::optional<runtime::Scalar> result() const;

 private:
  void take_if_better(runtime::ScalarOp better, runtime::Scalar x, int64_t index);

  Reduction reduction_;
  runtime::Scalar value_;
  int64_t best_ = 0;
  bool empty_ = true;
};
// [end]

}  // namespace tenon::ast
