// Making expressions of loop nests.
#pragma once
#include <utility>

#include "ir/loops.h"

namespace tenon::ir::loops {

inline ExprPtr make(DType type, decltype(Expr::node) node) {
  return std::make_shared<const Expr>(Expr{type, std::move(node)});
}
inline ExprPtr constant(Scalar value) { return make(value.type, Constant{value}); }
inline ExprPtr integer(int64_t value) { return constant(Scalar::integer(DType::i64, value)); }
inline ExprPtr apply(ScalarOp op, std::vector<ExprPtr> args) {
  const DType type = runtime::result_type(op, args.back()->type);
  return make(type, Apply{op, std::move(args)});
}
inline ExprPtr both(ExprPtr a, ExprPtr b) {
  return a == nullptr ? b : apply(ScalarOp::and_, {std::move(a), std::move(b)});
}

}  // namespace tenon::ir::loops
