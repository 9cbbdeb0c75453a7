// What rules are applied to, seen alike in every form of a program: terms by number. An SSA value
// is one, and so is a node of an index expression.
#pragma once
#include <array>

#include "ir/expr.h"
#include "ir/ranges.h"

namespace tenon::opt {

using Term = uint32_t;

/// A term's outermost operation. `kind` is constant, apply, convert or if_; whatever else a term
/// may be, rules do not look into it, and it is a `value`.
struct TermNode {
  ir::ExprKind kind = ir::ExprKind::value;
  ir::DType type = ir::DType::i64;
  ir::ScalarOp op = ir::ScalarOp::add;
  uint32_t arity = 0;
  std::array<Term, 3> args{};
  ir::Scalar constant{};
};

class Terms {
 public:
  virtual ~Terms() = default;
  virtual TermNode node(Term term) const = 0;
  /// The values that an integer term can have where rules are being applied.
  virtual ir::Range range(Term term) = 0;
  /// Whether computing the term may stop the program, if a rule drops or moves it.
  virtual bool may_fail(Term term) const = 0;
  /// Whether the term is computed also for other users than the one that a rule looks at.
  virtual bool is_shared(Term term) const = 0;

  virtual Term constant(ir::Scalar value) = 0;
  virtual Term apply(ir::ScalarOp op, std::vector<Term> args) = 0;
  virtual Term convert(ir::DType to, Term operand) = 0;
  virtual Term if_(Term condition, Term then, Term otherwise) = 0;
};

}  // namespace tenon::opt
