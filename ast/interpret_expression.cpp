// What an expression is worth. Each overload is the meaning of one kind of node, as language.md
// puts it; nothing here is done for speed, except that an element's tensor is not copied.
#include <array>
#include <stdexcept>
#include <utility>

#include "ast/accumulator.h"
#include "ast/interpreter.h"
#include "runtime/tensor_file.h"

namespace tenon::ast::typed {

// [snippet by-kind]
Scalar Interpreter::scalar(const Expr& expr) {
  if (observer_) [[unlikely]] return observed(expr);
  return std::visit([&](const auto& node) { return scalar_of(node, expr); }, expr.node);
}
// [end]
Scalar Interpreter::observed(const Expr& expr) {
  observer_->enter(expr);
  const Scalar result =
      std::visit([&](const auto& node) { return scalar_of(node, expr); }, expr.node);
  observer_->leave(expr, result);
  return result;
}
Tensor Interpreter::tensor(const Expr& expr) {
  return std::visit([&](const auto& node) { return tensor_of(node, expr); }, expr.node);
}
Parts Interpreter::parts(const Expr& expr) {
  return std::visit([&](const auto& node) { return parts_of(node, expr); }, expr.node);
}
Value Interpreter::value(const Expr& expr) {
  if (expr.type.aggregate) return parts(expr);
  if (expr.type.is_scalar()) return scalar(expr);
  return tensor(expr);
}

const Value* Interpreter::stored(const Expr& expr) {
  if (const auto* variable = std::get_if<Variable>(&expr.node)) return &vars_[variable->var];
  const auto* field = std::get_if<Field>(&expr.node);
  const Value* whole = field ? stored(*field->base) : nullptr;
  return whole ? &std::get<Parts>(*whole)[field->part] : nullptr;
}
Value Interpreter::field(const Field& node) {
  const Value* whole = stored(*node.base);
  return whole ? std::get<Parts>(*whole)[node.part] : parts(*node.base)[node.part];
}

// ---- scalars

Scalar Interpreter::scalar_of(const Constant& node, const Expr&) { return node.value; }
Scalar Interpreter::scalar_of(const Variable& node, const Expr&) {
  return std::get<Scalar>(vars_[node.var]);
}
// [snippet apply]
Scalar Interpreter::scalar_of(const Apply& node, const Expr& expr) {
  std::array<Scalar, 3> args;
  for (size_t i = 0; i < node.args.size(); ++i) args[i] = scalar(node.args[i]);
  const std::span<const Scalar> used(args.data(), node.args.size());
  if (runtime::divides_by_zero(node.op, used)) fail(expr.span, FaultKind::division_by_zero);
  return runtime::eval(node.op, used);
}
Scalar Interpreter::scalar_of(const Convert& node, const Expr& expr) {
  return runtime::convert(expr.type.dtype, scalar(*node.operand));
}
Scalar Interpreter::scalar_of(const IfExpr& node, const Expr&) {
  return scalar(holds(*node.condition) ? *node.then : *node.otherwise);
}
// [end]
Scalar Interpreter::scalar_of(const Call& node, const Expr& expr) {
  return std::get<Scalar>(*call(node, expr.span));
}
Scalar Interpreter::scalar_of(const Load& node, const Expr& expr) {
  return tensor_of(node, expr).at(0);
}
Scalar Interpreter::scalar_of(const Pack& node, const Expr&) {
  return scalar(node.elements.front());
}
Scalar Interpreter::scalar_of(const Field& node, const Expr&) {
  return std::get<Scalar>(field(node));
}

Scalar Interpreter::scalar_of(const Element& node, const Expr& expr) {
  // A variable's tensor is looked at where it is: evaluating subscripts assigns no variable that
  // holds one, and copying it would cost more than the element.
  const Value* there = stored(*node.tensor);
  const Tensor made = there ? Tensor() : tensor(*node.tensor);
  const auto whole = [&]() -> const Tensor& { return there ? std::get<Tensor>(*there) : made; };

  std::array<int64_t, 8> few;
  std::vector<int64_t> many;
  int64_t* values = few.data();
  if (node.subscripts.size() > few.size()) {
    many.resize(node.subscripts.size());
    values = many.data();
  }
  for (size_t axis = 0; axis < node.subscripts.size(); ++axis) {
    values[axis] = integer(node.subscripts[axis]);
    if (!node.otherwise) continue;  // then all are evaluated before the first is checked
    if (values[axis] >= 0 && values[axis] < whole().shape()[axis]) continue;
    if (observer_) observer_->look_up(node, {values, axis + 1});
    return scalar(*node.otherwise);
  }
  if (observer_) observer_->look_up(node, {values, node.subscripts.size()});
  return whole().at(checked_offset(whole().shape(), values, node.subscripts, expr.span));
}

// [snippet reduce]
Scalar Interpreter::scalar_of(const Reduce& node, const Expr& expr) {
  std::vector<IndexRange> ranges;
  for (const ReduceIndex& index : node.indices) {
    const int64_t lo = integer(*index.lo);
    ranges.push_back({index.var, lo, integer(*index.hi)});
  }
  Accumulator accumulator(node.reduction, node.body->type.dtype);
  for_each_point(ranges, [&] {
    if (observer_) tell_step(node);
    const Scalar x = scalar(*node.body);
    accumulator.take(x, index(node.indices.back().var));
    if (observer_) observer_->taken(node, accumulator.result());
  });
  const std::optional<Scalar> result = accumulator.result();
  if (!result) fail(expr.span, FaultKind::empty_reduction, 0, 0, ast::text(node.reduction));
  return *result;
}
// [end]
void Interpreter::tell_step(const Reduce& node) {
  std::vector<int64_t> point;
  for (const ReduceIndex& each : node.indices) point.push_back(index(each.var));
  observer_->step(node, point);
}

Scalar Interpreter::scalar_of(const Compute& node, const Expr&) {  // of rank 0
  evaluate_operands(node);
  return scalar(*node.body);
}

// ---- tensors

Tensor Interpreter::tensor_of(const Variable& node, const Expr&) {
  return std::get<Tensor>(vars_[node.var]);
}
Tensor Interpreter::tensor_of(const IfExpr& node, const Expr&) {
  return tensor(holds(*node.condition) ? *node.then : *node.otherwise);
}
Tensor Interpreter::tensor_of(const Call& node, const Expr& expr) {
  return std::get<Tensor>(*call(node, expr.span));
}
Tensor Interpreter::tensor_of(const Load& node, const Expr& expr) {
  return at(expr.span, [&] {
    return runtime::load_tensor(context_.data_dir / node.path, node.name, expr.type.dtype,
                                expr.type.concrete_shape());
  });
}
// [snippet compute]
Tensor Interpreter::tensor_of(const Compute& node, const Expr& expr) {
  evaluate_operands(node);
  Tensor result = new_tensor(expr);
  std::vector<IndexRange> ranges;
  for (const ComputeIndex& index : node.indices) {
    ranges.push_back({index.var, index.lo, index.lo + index.extent.value()});
  }
  std::byte* data = result.mutable_data();
  int64_t offset = 0;
  for_each_point(ranges, [&] {
    if (observer_) observer_->begin(node, offset);
    write_element(data, offset++, scalar(*node.body));
    if (observer_) observer_->end(node);
  });
  return result;
}
// [end]
Tensor Interpreter::tensor_of(const Pack& node, const Expr& expr) {
  std::vector<Scalar> elements;
  for (const Expr& element : node.elements) elements.push_back(scalar(element));
  Tensor result = new_tensor(expr);
  std::byte* data = result.mutable_data();
  for (size_t i = 0; i < elements.size(); ++i) write_element(data, i, elements[i]);
  return result;
}
Tensor Interpreter::tensor_of(const Field& node, const Expr&) {
  return std::get<Tensor>(field(node));
}
Tensor Interpreter::tensor_of(const ScatterAdd& node, const Expr& expr) {
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

// ---- tuples and records

Parts Interpreter::parts_of(const Variable& node, const Expr&) {
  return std::get<Parts>(vars_[node.var]);
}
Parts Interpreter::parts_of(const IfExpr& node, const Expr&) {
  return parts(holds(*node.condition) ? *node.then : *node.otherwise);
}
Parts Interpreter::parts_of(const Call& node, const Expr& expr) {
  return std::get<Parts>(*call(node, expr.span));
}
Parts Interpreter::parts_of(const Field& node, const Expr&) {
  return std::get<Parts>(field(node));
}
Parts Interpreter::parts_of(const Tuple& node, const Expr&) {
  Parts all;
  for (const Expr& part : node.parts) all.push_back(value(part));
  return all;
}

template <class Node>
Scalar Interpreter::scalar_of(const Node&, const Expr&) {
  throw std::logic_error("a tensor or aggregate where a scalar is due");
}
template <class Node>
Tensor Interpreter::tensor_of(const Node& node, const Expr& expr) {
  return Tensor::scalar(scalar_of(node, expr));
}
template <class Node>
Parts Interpreter::parts_of(const Node&, const Expr&) {
  throw std::logic_error("a scalar or tensor where an aggregate is due");
}

// ---- what they share

void Interpreter::evaluate_operands(const Compute& node) {
  for (const Operand& operand : node.operands) {
    Value evaluated = value(*operand.value);
    vars_[operand.var] = std::move(evaluated);
  }
}
Tensor Interpreter::new_tensor(const Expr& expr) {
  return at(expr.span, [&] { return Tensor(expr.type.dtype, expr.type.concrete_shape()); });
}

/// Every combination of the indices, the last one fastest. `body` finds them in their variables.
template <class Body>
void Interpreter::for_each_point(std::span<const IndexRange> ranges, const Body& body) {
  for (const IndexRange& range : ranges) {
    if (range.lo >= range.hi) return;  // an empty axis inside a long one is no long walk
  }
  walk(ranges, body);
}
// [snippet walk]
template <class Body>
void Interpreter::walk(std::span<const IndexRange> ranges, const Body& body) {
  if (ranges.empty()) return body();
  for (int64_t i = ranges[0].lo; i < ranges[0].hi; ++i) {
    vars_[ranges[0].var] = index_value(i);
    walk(ranges.subspan(1), body);
  }
}
// [end]

/// Arguments from left to right, then the callee's body on variables of its own.
std::optional<Value> Interpreter::call(const Call& node, Span span) {
  const Function& callee = *node.callee;
  std::vector<Value> vars(callee.vars.size());
  for (size_t i = 0; i < node.args.size(); ++i) vars[i] = value(node.args[i]);
  if (callee.recursive && active_recursive_ == runtime::kMaxCallDepth) {
    fail(span, FaultKind::recursion_too_deep, runtime::kMaxCallDepth);
  }
  active_recursive_ += callee.recursive;
  vars_.swap(vars);
  if (observer_) observer_->call(callee);
  run(callee.body);
  if (observer_) observer_->back(callee);
  vars_.swap(vars);
  active_recursive_ -= callee.recursive;
  return std::exchange(returned_, std::nullopt);
}

}  // namespace tenon::ast::typed
