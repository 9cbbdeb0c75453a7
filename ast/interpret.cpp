#include "ast/interpret.h"

#include <array>
#include <stdexcept>
#include <utility>

#include "ast/accumulator.h"
#include "runtime/npy.h"
#include "runtime/tensor_file.h"
#include "runtime/print.h"

namespace tenon::ast::typed {
namespace {

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

Scalar index_value(int64_t i) {
  return Scalar::integer(DType::i64, i);
}

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
  Parts parts(const Expr& expr) {
    return std::visit([&](const auto& node) { return parts_of(node, expr); }, expr.node);
  }
  Value value(const Expr& expr) {
    if (expr.type.aggregate) return parts(expr);
    if (expr.type.is_scalar()) return scalar(expr);
    return tensor(expr);
  }
  /// Where a variable's value is, or that of a field of one; null if `expr` is anything else.
  const Value* stored(const Expr& expr) {
    if (const auto* variable = std::get_if<Variable>(&expr.node)) return &vars_[variable->var];
    const auto* field = std::get_if<Field>(&expr.node);
    const Value* whole = field ? stored(*field->base) : nullptr;
    return whole ? &std::get<Parts>(*whole)[field->part] : nullptr;
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
  Scalar scalar_of(const Field& node, const Expr&) { return std::get<Scalar>(field(node)); }
  Value field(const Field& node) {
    const Value* whole = stored(*node.base);
    return whole ? std::get<Parts>(*whole)[node.part] : parts(*node.base)[node.part];
  }

  Scalar scalar_of(const Element& node, const Expr& expr) {
    // A variable's tensor is looked at where it is: evaluating subscripts assigns no variable that
    // holds one, and copying it would cost more than the element.
    const Value* there = stored(*node.tensor);
    const Tensor whole = there ? Tensor() : tensor(*node.tensor);
    const auto looked_at = [&]() -> const Tensor& {
      return there ? std::get<Tensor>(*there) : whole;
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
  template <class Subscripts>
  static int64_t checked_offset(const runtime::Shape& shape, const int64_t* values,
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
      return runtime::load_tensor(context_.data_dir / node.path, node.name, expr.type.dtype,
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
  Tensor tensor_of(const Field& node, const Expr&) { return std::get<Tensor>(field(node)); }
  Tensor tensor_of(const ScatterAdd& node, const Expr& expr) {
    Tensor result = tensor(*node.tensor);
    const Tensor ids = tensor(*node.ids), values = tensor(*node.values);
    const int64_t rows = result.shape()[0];
    const int64_t row = rows == 0 ? 0 : result.count() / rows;
    at(expr.span, [&] {
      for (int64_t i = 0; i < ids.count(); ++i) {
        const int64_t id = ids.at(i).i;
        if (id < 0 || id >= rows) {
          throw Fault{FaultKind::subscript_out_of_range, id, rows, {}};
        }
        for (int64_t k = 0; k < row; ++k) {
          const std::array<Scalar, 2> both = {result.at(id * row + k), values.at(i * row + k)};
          result.set(id * row + k, runtime::eval(ScalarOp::add, both));
        }
      }
    });
    return result;
  }

  Parts parts_of(const Variable& variable, const Expr&) {
    return std::get<Parts>(vars_[variable.var]);
  }
  Parts parts_of(const IfExpr& node, const Expr&) {
    return parts(holds(*node.condition) ? *node.then : *node.otherwise);
  }
  Parts parts_of(const Call& node, const Expr& expr) {
    return std::get<Parts>(*call(node, expr.span));
  }
  Parts parts_of(const Field& node, const Expr&) { return std::get<Parts>(field(node)); }
  Parts parts_of(const Tuple& node, const Expr&) {
    Parts all;
    for (const Expr& part : node.parts) all.push_back(value(part));
    return all;
  }

  // What a kind of node never makes (typed.h).
  template <class Node>
  Scalar scalar_of(const Node&, const Expr&) {
    throw std::logic_error("a tensor or aggregate where a scalar is due");
  }
  template <class Node>
  Tensor tensor_of(const Node& node, const Expr& expr) {
    return Tensor::scalar(scalar_of(node, expr));
  }
  template <class Node>
  Parts parts_of(const Node&, const Expr&) {
    throw std::logic_error("a scalar or tensor where an aggregate is due");
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
    for (const auto& subscript : update.subscripts) {
      subscripts.push_back(subscript ? integer(*subscript) : 0);
    }
    Value assigned = value(update.value);
    Value* target = &vars_[update.var];
    for (size_t part : update.path) target = &std::get<Parts>(*target)[part];
    if (subscripts.empty()) {
      *target = std::move(assigned);
    } else {
      at(span, [&] { replace(std::get<Tensor>(*target), update, std::move(subscripts), assigned, span); });
    }
    return Flow::next;
  }
  /// Writes an element, or the part over the axes left open, where `subscripts` holds 0.
  void replace(Tensor& target, const Update& update, std::vector<int64_t> subscripts,
               const Value& assigned, Span span) {
    std::vector<size_t> open;
    runtime::Shape bounds = target.shape();
    for (size_t axis = 0; axis < subscripts.size(); ++axis) {
      if (update.subscripts[axis]) continue;
      open.push_back(axis);
      bounds[axis] = 1;  // an empty part has subscripts to check, too
    }
    checked_offset(bounds, subscripts.data(), update.subscripts, span);
    const auto* scalar = std::get_if<Scalar>(&assigned);
    const int64_t count = scalar ? 1 : std::get<Tensor>(assigned).count();
    for (int64_t i = 0; i < count; ++i) {
      int64_t rest = i, offset = 0;
      for (size_t k = open.size(); k-- > 0;) {
        subscripts[open[k]] = rest % target.shape()[open[k]];
        rest /= target.shape()[open[k]];
      }
      for (size_t axis = 0; axis < subscripts.size(); ++axis) {
        offset = offset * target.shape()[axis] + subscripts[axis];
      }
      target.set(offset, scalar ? *scalar : std::get<Tensor>(assigned).at(i));
    }
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
    const auto* tensor = std::get_if<Tensor>(&printed);
    return tensor ? runtime::to_text(*tensor) : runtime::to_text(std::get<Scalar>(printed));
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
