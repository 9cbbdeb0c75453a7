// The class behind interpret(): expressions in interpret_expression.cpp, statements in
// interpret_statement.cpp. One overload per kind of node of typed.h.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ast/observer.h"
#include "ast/run_error.h"
#include "ast/typed.h"
#include "runtime/context.h"
#include "runtime/tensor.h"

namespace tenon::ast::typed {

using runtime::Fault;
using runtime::FaultKind;
using runtime::Tensor;

/// Parts: of a tuple or record.
struct Value;
using Parts = std::vector<Value>;
struct Value : std::variant<Scalar, Tensor, Parts> {
  using variant::variant;
};

/// What a statement leaves behind: where to go on.
enum class Flow { next, break_, continue_, return_ };

/// The values that one index takes, [lo, hi).
struct IndexRange {
  VarId var;
  int64_t lo, hi;
};

[[noreturn]] inline void fail(Span span, FaultKind kind, int64_t a = 0, int64_t b = 0,
                              std::string_view text = {}) {
  throw RunError{Fault{kind, a, b, std::string(text)}, span};
}

/// Calls into the runtime; a fault from there happened at `span`.
template <class Action>
auto at(Span span, const Action& action) {
  try {
    return action();
  } catch (Fault& fault) {
    throw RunError{std::move(fault), span};
  }
}

inline Scalar index_value(int64_t i) { return Scalar::integer(DType::i64, i); }

class Interpreter {
 public:
  Interpreter(runtime::Context& context, Observer* observer)
      : context_(context), observer_(observer) {}

  void run_main(const Function& main);

 private:
  // ---- expressions. A scalar one is asked for its Scalar, any other for its Tensor or Parts.

  Scalar scalar(const Expr& expr);
  Tensor tensor(const Expr& expr);
  Parts parts(const Expr& expr);
  Value value(const Expr& expr);
  int64_t integer(const Expr& expr) { return scalar(expr).i; }
  bool holds(const Expr& expr) { return scalar(expr).i != 0; }

  Scalar observed(const Expr& expr);
  Scalar scalar_of(const Constant& node, const Expr& expr);
  Scalar scalar_of(const Variable& node, const Expr& expr);
  Scalar scalar_of(const Apply& node, const Expr& expr);
  Scalar scalar_of(const Convert& node, const Expr& expr);
  Scalar scalar_of(const IfExpr& node, const Expr& expr);
  Scalar scalar_of(const Call& node, const Expr& expr);
  Scalar scalar_of(const Load& node, const Expr& expr);
  Scalar scalar_of(const Pack& node, const Expr& expr);
  Scalar scalar_of(const Field& node, const Expr& expr);
  Scalar scalar_of(const Element& node, const Expr& expr);
  Scalar scalar_of(const Reduce& node, const Expr& expr);
  Scalar scalar_of(const Compute& node, const Expr& expr);

  Tensor tensor_of(const Variable& node, const Expr& expr);
  Tensor tensor_of(const IfExpr& node, const Expr& expr);
  Tensor tensor_of(const Call& node, const Expr& expr);
  Tensor tensor_of(const Load& node, const Expr& expr);
  Tensor tensor_of(const Compute& node, const Expr& expr);
  Tensor tensor_of(const Pack& node, const Expr& expr);
  Tensor tensor_of(const Field& node, const Expr& expr);
  Tensor tensor_of(const ScatterAdd& node, const Expr& expr);

  Parts parts_of(const Variable& node, const Expr& expr);
  Parts parts_of(const IfExpr& node, const Expr& expr);
  Parts parts_of(const Call& node, const Expr& expr);
  Parts parts_of(const Field& node, const Expr& expr);
  Parts parts_of(const Tuple& node, const Expr& expr);

  // What a kind of node never makes (typed.h).
  template <class Node>
  Scalar scalar_of(const Node& node, const Expr& expr);
  template <class Node>
  Tensor tensor_of(const Node& node, const Expr& expr);
  template <class Node>
  Parts parts_of(const Node& node, const Expr& expr);

  /// Where a variable's value is, or that of a field of one; null if `expr` is anything else.
  const Value* stored(const Expr& expr);
  Value field(const Field& node);
  void tell_step(const Reduce& node);
  void evaluate_operands(const Compute& node);
  Tensor new_tensor(const Expr& expr);
  int64_t index(VarId var) const { return std::get<Scalar>(vars_[var]).i; }
  std::optional<Value> call(const Call& node, Span span);
  template <class Body>
  void for_each_point(std::span<const IndexRange> ranges, const Body& body);
  template <class Body>
  void walk(std::span<const IndexRange> ranges, const Body& body);

  // ---- statements

  Flow run(const std::vector<Stmt>& stmts);
  Flow run_stmt(const Define& node, Span span);
  Flow run_stmt(const Update& node, Span span);
  Flow run_stmt(const If& node, Span span);
  Flow run_stmt(const While& node, Span span);
  Flow run_stmt(const For& node, Span span);
  Flow run_stmt(const Break& node, Span span);
  Flow run_stmt(const Continue& node, Span span);
  Flow run_stmt(const Return& node, Span span);
  Flow run_stmt(const Print& node, Span span);
  Flow run_stmt(const Save& node, Span span);
  Flow run_stmt(const Write& node, Span span);
  Flow run_stmt(const Assert& node, Span span);
  Flow run_stmt(const Evaluate& node, Span span);
  std::string piece_text(const std::variant<std::string, Expr>& piece);

  runtime::Context& context_;
  Observer* observer_;             ///< may be null
  std::vector<Value> vars_;        ///< of the running call, by VarId
  std::optional<Value> returned_;  ///< by the `return` that is on its way out
  int active_recursive_ = 0;       ///< calls of recursive functions that have not returned
};

/// Row-major offset of an element; fails at the subscripts' place if one is out of range.
template <class Subscripts>
int64_t checked_offset(const runtime::Shape& shape, const int64_t* values,
                       const Subscripts& subscripts, Span span) {
  int64_t offset = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (values[axis] < 0 || values[axis] >= shape[axis]) {
      fail(subscripts_span(subscripts, span), FaultKind::subscript_out_of_range, values[axis],
           shape[axis]);
    }
    offset = offset * shape[axis] + values[axis];
  }
  return offset;
}

}  // namespace tenon::ast::typed
