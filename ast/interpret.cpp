#include "ast/interpret.h"

#include <array>
#include <cmath>
#include <utility>

#include "runtime/npy.h"
#include "runtime/print.h"

namespace tenon::ast::typed {
namespace {

using runtime::Fault;
using runtime::FaultKind;
using runtime::Tensor;

using Value = std::variant<Scalar, Tensor>;

/// What a statement leaves behind: where to go on.
enum class Flow { next, break_, continue_, return_ };

/// The values that one index takes, [lo, hi).
struct IndexRange {
  VarId var;
  int64_t lo, hi;
};

[[noreturn]] void fail(Span span, FaultKind kind, int64_t a = 0, int64_t b = 0,
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

Scalar apply(ScalarOp op, Scalar a, Scalar b) {
  return runtime::eval(op, std::array<Scalar, 2>{a, b});
}
bool is_nan(Scalar x) {
  return runtime::is_floating(x.type) && std::isnan(x.f);
}
Scalar index_value(int64_t i) {
  return Scalar::integer(DType::i64, i);
}
Scalar number(DType type, int n) {
  return runtime::is_floating(type) ? Scalar::floating(type, n) : Scalar::integer(type, n);
}

/// Takes in the elements of a reduction one by one, in order.
class Accumulator {
 public:
  Accumulator(Reduction reduction, DType type) : reduction_(reduction) {
    switch (reduction) {
      case Reduction::sum: value_ = number(type, 0); break;
      case Reduction::prod: value_ = number(type, 1); break;
      case Reduction::any: value_ = Scalar::boolean(false); break;
      case Reduction::all: value_ = Scalar::boolean(true); break;
      default: break;  // the first element begins
    }
  }

  /// `index` is the value of the last index, which argmax and argmin give.
  void take(Scalar x, int64_t index) {
    switch (reduction_) {
      case Reduction::sum: value_ = apply(ScalarOp::add, value_, x); break;
      case Reduction::prod: value_ = apply(ScalarOp::mul, value_, x); break;
      case Reduction::any: value_ = apply(ScalarOp::or_, value_, x); break;
      case Reduction::all: value_ = apply(ScalarOp::and_, value_, x); break;
      case Reduction::max: value_ = empty_ ? x : apply(ScalarOp::max, value_, x); break;
      case Reduction::min: value_ = empty_ ? x : apply(ScalarOp::min, value_, x); break;
      case Reduction::argmax: take_if_better(ScalarOp::gt, x, index); break;
      case Reduction::argmin: take_if_better(ScalarOp::lt, x, index); break;
    }
    empty_ = false;
  }

  /// Nothing for a max, min, argmax or argmin of no elements.
  std::optional<Scalar> result() const {
    switch (reduction_) {
      case Reduction::max:
      case Reduction::min: return empty_ ? std::nullopt : std::optional(value_);
      case Reduction::argmax:
      case Reduction::argmin: return empty_ ? std::nullopt : std::optional(index_value(best_));
      default: return value_;
    }
  }

 private:
  /// The first NaN beats everything and is beaten by nothing.
  void take_if_better(ScalarOp better, Scalar x, int64_t index) {
    if (empty_ || (!is_nan(value_) && (is_nan(x) || apply(better, x, value_).i))) {
      value_ = x;
      best_ = index;
    }
  }

  Reduction reduction_;
  Scalar value_;
  int64_t best_ = 0;
  bool empty_ = true;
};

class Interpreter {
 public:
  explicit Interpreter(runtime::Context& context) : context_(context) {}

  void run_main(const Function& main) {
    vars_.resize(main.vars.size());
    run(main.body);
  }

 private:
  // ---- expressions. A scalar one is asked for its Scalar, any other for its Tensor.

  Scalar scalar(const Expr& expr) {
    return std::visit([&](const auto& node) { return scalar_of(node, expr); }, expr.node);
  }
  Tensor tensor(const Expr& expr) {
    return std::visit([&](const auto& node) { return tensor_of(node, expr); }, expr.node);
  }
  Value value(const Expr& expr) {
    if (expr.type.is_scalar()) return scalar(expr);
    return tensor(expr);
  }
  int64_t integer(const Expr& expr) { return scalar(expr).i; }
  bool holds(const Expr& expr) { return scalar(expr).i != 0; }

  Scalar scalar_of(const Constant& constant, const Expr&) { return constant.value; }
  Scalar scalar_of(const Variable& variable, const Expr&) {
    return std::get<Scalar>(vars_[variable.var]);
  }
  Scalar scalar_of(const Apply& node, const Expr& expr) {
    std::array<Scalar, 3> args;
    for (size_t i = 0; i < node.args.size(); ++i) args[i] = scalar(node.args[i]);
    const std::span<const Scalar> used(args.data(), node.args.size());
    if (runtime::divides_by_zero(node.op, used)) fail(expr.span, FaultKind::division_by_zero);
    return runtime::eval(node.op, used);
  }
  Scalar scalar_of(const Convert& node, const Expr& expr) {
    return runtime::convert(expr.type.dtype, scalar(*node.operand));
  }
  Scalar scalar_of(const IfExpr& node, const Expr&) {
    return scalar(holds(*node.condition) ? *node.then : *node.otherwise);
  }
  Scalar scalar_of(const Call& node, const Expr& expr) {
    return std::get<Scalar>(*call(node, expr.span));
  }
  Scalar scalar_of(const Load& node, const Expr& expr) { return tensor_of(node, expr).at(0); }
  Scalar scalar_of(const Pack& node, const Expr&) { return scalar(node.elements.front()); }

  Scalar scalar_of(const Element& node, const Expr& expr) {
    // A variable's tensor is looked at where it is: evaluating subscripts assigns no variable that
    // holds one, and copying it would cost more than the element.
    const auto* variable = std::get_if<Variable>(&node.tensor->node);
    const Tensor whole = variable ? Tensor() : tensor(*node.tensor);
    const auto looked_at = [&]() -> const Tensor& {
      return variable ? std::get<Tensor>(vars_[variable->var]) : whole;
    };
    if (!node.otherwise) return looked_at().at(offset(looked_at, node.subscripts, expr.span));

    int64_t offset = 0;
    for (size_t axis = 0; axis < node.subscripts.size(); ++axis) {
      const int64_t subscript = integer(node.subscripts[axis]);
      const int64_t extent = looked_at().shape()[axis];
      if (subscript < 0 || subscript >= extent) return scalar(*node.otherwise);
      offset = offset * extent + subscript;
    }
    return looked_at().at(offset);
  }

  /// Row-major offset of an element. All subscripts are evaluated before the first is checked.
  template <class LookedAt>
  int64_t offset(const LookedAt& tensor, const std::vector<Expr>& subscripts, Span span) {
    std::array<int64_t, 8> few;
    std::vector<int64_t> many;
    int64_t* values = few.data();
    if (subscripts.size() > few.size()) {
      many.resize(subscripts.size());
      values = many.data();
    }
    for (size_t axis = 0; axis < subscripts.size(); ++axis)
      values[axis] = integer(subscripts[axis]);
    return checked_offset(tensor().shape(), values, subscripts, span);
  }
  static int64_t checked_offset(const runtime::Shape& shape, const int64_t* values,
                                const std::vector<Expr>& subscripts, Span span) {
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

  Scalar scalar_of(const Reduce& node, const Expr& expr) {
    std::vector<IndexRange> ranges;
    for (const ReduceIndex& index : node.indices) {
      const int64_t lo = integer(*index.lo);
      ranges.push_back({index.var, lo, integer(*index.hi)});
    }
    Accumulator accumulator(node.reduction, node.body->type.dtype);
    const VarId last = node.indices.back().var;
    for_each_point(ranges, [&] {
      const Scalar x = scalar(*node.body);
      accumulator.take(x, std::get<Scalar>(vars_[last]).i);
    });
    const std::optional<Scalar> result = accumulator.result();
    if (!result) fail(expr.span, FaultKind::empty_reduction, 0, 0, ast::text(node.reduction));
    return *result;
  }

  Scalar scalar_of(const Compute& node, const Expr&) {  // of rank 0
    evaluate_operands(node);
    return scalar(*node.body);
  }

  Tensor tensor_of(const Variable& variable, const Expr&) {
    return std::get<Tensor>(vars_[variable.var]);
  }
  Tensor tensor_of(const IfExpr& node, const Expr&) {
    return tensor(holds(*node.condition) ? *node.then : *node.otherwise);
  }
  Tensor tensor_of(const Call& node, const Expr& expr) {
    return std::get<Tensor>(*call(node, expr.span));
  }
  Tensor tensor_of(const Load& node, const Expr& expr) {
    return at(expr.span, [&] {
      return runtime::load_npy(context_.data_dir / node.path, expr.type.dtype,
                               expr.type.concrete_shape());
    });
  }
  Tensor tensor_of(const Compute& node, const Expr& expr) {
    evaluate_operands(node);
    Tensor result = new_tensor(expr);
    std::vector<IndexRange> ranges;
    for (const ComputeIndex& index : node.indices) {
      ranges.push_back({index.var, index.lo, index.lo + index.extent.value()});
    }
    std::byte* data = result.mutable_data();
    int64_t offset = 0;
    for_each_point(ranges, [&] { write_element(data, offset++, scalar(*node.body)); });
    return result;
  }
  Tensor tensor_of(const Pack& node, const Expr& expr) {
    std::vector<Scalar> elements;
    for (const Expr& element : node.elements) elements.push_back(scalar(element));
    Tensor result = new_tensor(expr);
    std::byte* data = result.mutable_data();
    for (size_t i = 0; i < elements.size(); ++i) write_element(data, i, elements[i]);
    return result;
  }
  /// The rest are scalars by construction (typed.h).
  template <class Node>
  Tensor tensor_of(const Node& node, const Expr& expr) {
    return Tensor::scalar(scalar_of(node, expr));
  }

  void evaluate_operands(const Compute& node) {
    for (const Operand& operand : node.operands) {
      Value evaluated = value(*operand.value);
      vars_[operand.var] = std::move(evaluated);
    }
  }
  Tensor new_tensor(const Expr& expr) {
    return at(expr.span, [&] { return Tensor(expr.type.dtype, expr.type.concrete_shape()); });
  }

  /// Every combination of the indices, the last one fastest. `body` finds them in their variables.
  template <class Body>
  void for_each_point(std::span<const IndexRange> ranges, const Body& body) {
    for (const IndexRange& range : ranges) {
      if (range.lo >= range.hi) return;  // an empty axis inside a long one is no long walk
    }
    walk(ranges, body);
  }
  template <class Body>
  void walk(std::span<const IndexRange> ranges, const Body& body) {
    if (ranges.empty()) return body();
    for (int64_t i = ranges[0].lo; i < ranges[0].hi; ++i) {
      vars_[ranges[0].var] = index_value(i);
      walk(ranges.subspan(1), body);
    }
  }

  /// Arguments from left to right, then the callee's body on variables of its own.
  std::optional<Value> call(const Call& node, Span span) {
    const Function& callee = *node.callee;
    std::vector<Value> vars(callee.vars.size());
    for (size_t i = 0; i < node.args.size(); ++i) vars[i] = value(node.args[i]);
    if (callee.recursive && active_recursive_ == runtime::kMaxCallDepth) {
      fail(span, FaultKind::recursion_too_deep, runtime::kMaxCallDepth);
    }
    active_recursive_ += callee.recursive;
    vars_.swap(vars);
    run(callee.body);
    vars_.swap(vars);
    active_recursive_ -= callee.recursive;
    return std::exchange(returned_, std::nullopt);
  }

  // ---- statements

  Flow run(const std::vector<Stmt>& stmts) {
    for (const Stmt& stmt : stmts) {
      const Flow flow =
          std::visit([&](const auto& node) { return run_stmt(node, stmt.span); }, stmt.node);
      if (flow != Flow::next) return flow;
    }
    return Flow::next;
  }

  Flow run_stmt(const Define& define, Span) {
    Value evaluated = value(define.value);
    vars_[define.var] = std::move(evaluated);
    return Flow::next;
  }
  Flow run_stmt(const Update& update, Span span) {
    std::vector<int64_t> subscripts;
    for (const Expr& subscript : update.subscripts) subscripts.push_back(integer(subscript));
    const Scalar element = scalar(update.value);
    Tensor& target = std::get<Tensor>(vars_[update.var]);
    const int64_t offset =
        checked_offset(target.shape(), subscripts.data(), update.subscripts, span);
    at(span, [&] { target.set(offset, element); });
    return Flow::next;
  }
  Flow run_stmt(const If& node, Span) {
    return run(holds(node.condition) ? node.then : node.otherwise);
  }
  Flow run_stmt(const While& node, Span) {
    while (holds(node.condition)) {
      const Flow flow = run(node.body);
      if (flow == Flow::break_) break;
      if (flow == Flow::return_) return flow;
    }
    return Flow::next;
  }
  Flow run_stmt(const For& node, Span) {
    const int64_t lo = integer(node.lo), hi = integer(node.hi);
    for (int64_t i = lo; i < hi; ++i) {
      vars_[node.var] = index_value(i);
      const Flow flow = run(node.body);
      if (flow == Flow::break_) break;
      if (flow == Flow::return_) return flow;
    }
    return Flow::next;
  }
  Flow run_stmt(const Break&, Span) { return Flow::break_; }
  Flow run_stmt(const Continue&, Span) { return Flow::continue_; }
  Flow run_stmt(const Return& node, Span) {
    if (node.value) returned_ = value(*node.value);
    return Flow::return_;
  }
  Flow run_stmt(const Print& node, Span) {
    std::string line;
    for (const auto& piece : node.pieces) {
      if (&piece != &node.pieces.front()) line += ' ';
      line += piece_text(piece);
    }
    runtime::write_line(context_, line);
    return Flow::next;
  }
  Flow run_stmt(const Save& node, Span span) {
    const Value saved = value(node.value);
    const auto* tensor = std::get_if<Tensor>(&saved);
    at(span, [&] {
      runtime::save_npy(node.path, tensor ? *tensor : Tensor::scalar(std::get<Scalar>(saved)));
    });
    return Flow::next;
  }
  Flow run_stmt(const Write& node, Span span) {
    const Tensor bytes = std::get<Tensor>(value(node.value));
    at(span, [&] { runtime::write_bytes(context_, bytes.data(), bytes.count()); });
    return Flow::next;
  }
  Flow run_stmt(const Assert& node, Span span) {
    if (!holds(node.condition)) fail(span, FaultKind::assertion_failed, 0, 0, node.message);
    return Flow::next;
  }
  Flow run_stmt(const Evaluate& node, Span) {
    if (const auto* called = std::get_if<Call>(&node.value.node)) {
      call(*called, node.value.span);
    } else {
      value(node.value);
    }
    return Flow::next;
  }

  std::string piece_text(const std::variant<std::string, Expr>& piece) {
    if (const auto* text = std::get_if<std::string>(&piece)) return *text;
    const Value printed = value(std::get<Expr>(piece));
    return std::visit([](const auto& v) { return runtime::to_text(v); }, printed);
  }

  runtime::Context& context_;
  std::vector<Value> vars_;        ///< of the running call, by VarId
  std::optional<Value> returned_;  ///< by the `return` that is on its way out
  int active_recursive_ = 0;       ///< calls of recursive functions that have not returned
};

}  // namespace
}  // namespace tenon::ast::typed

namespace tenon::ast {

void interpret(const typed::Program& program, runtime::Context& context) {
  if (program.main) typed::Interpreter(context).run_main(*program.main);
}

}  // namespace tenon::ast
