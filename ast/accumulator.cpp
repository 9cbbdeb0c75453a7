#include "ast/accumulator.h"

#include <array>
#include <cmath>

namespace tenon::ast {

using runtime::Scalar;
using runtime::ScalarOp;

namespace {

Scalar apply(ScalarOp op, Scalar a, Scalar b) {
  return runtime::eval(op, std::array<Scalar, 2>{a, b});
}

bool is_nan(Scalar x) {
  return runtime::is_floating(x.type) && std::isnan(x.f);
}

Scalar number(DType type, int n) {
  return runtime::is_floating(type) ? Scalar::floating(type, n) : Scalar::integer(type, n);
}

}  // namespace

// [snippet begin]
Accumulator::Accumulator(Reduction reduction, DType type) : reduction_(reduction) {
  switch (reduction) {
    case Reduction::sum: value_ = number(type, 0); break;
    case Reduction::prod: value_ = number(type, 1); break;
    case Reduction::any: value_ = Scalar::boolean(false); break;
    case Reduction::all: value_ = Scalar::boolean(true); break;
    default: break;  // the first element begins
  }
}
// [end]

void Accumulator::take(Scalar x, int64_t index) {
  switch (reduction_) {
    case Reduction::sum: value_ = apply(ScalarOp::add, value_, x); break;
    case Reduction::prod: value_ = apply(ScalarOp::mul, value_, x); break;
    case Reduction::any: value_ = apply(ScalarOp::or_, value_, x); break;
    case Reduction::all: value_ = apply(ScalarOp::and_, value_, x); break;
    // [exercise reduction]
    // [starter] default: break;
    case Reduction::max: value_ = empty_ ? x : apply(ScalarOp::max, value_, x); break;
    case Reduction::min: value_ = empty_ ? x : apply(ScalarOp::min, value_, x); break;
    case Reduction::argmax: take_if_better(ScalarOp::gt, x, index); break;
    case Reduction::argmin: take_if_better(ScalarOp::lt, x, index); break;
    // [end]
  }
  empty_ = false;
}

/// The first NaN beats everything and is beaten by nothing.
void Accumulator::take_if_better(ScalarOp better, Scalar x, int64_t index) {
  // [exercise reduction]
  if (empty_ || (!is_nan(value_) && (is_nan(x) || apply(better, x, value_).i))) {
    value_ = x;
    best_ = index;
  }
  // [end]
}

std::optional<Scalar> Accumulator::result() const {
  switch (reduction_) {
    // [exercise reduction]
    case Reduction::max:
    case Reduction::min: return empty_ ? std::nullopt : std::optional(value_);
    case Reduction::argmax:
    case Reduction::argmin:
      return empty_ ? std::nullopt : std::optional(Scalar::integer(DType::i64, best_));
    // [end]
    default: return value_;
  }
}

}  // namespace tenon::ast
