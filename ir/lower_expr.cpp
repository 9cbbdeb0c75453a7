// Expressions as instructions, in the order in which they are evaluated.
#include "ir/lower_body.h"
#include "ir/lowering.h"

namespace tenon::ir {

namespace {

/// Nodes of an expression that is better evaluated than branched around.
constexpr int kMaxSelected = 8;

/// Counts `expr` into `nodes` if evaluating it is harmless: it cannot fail and costs little.
bool is_simple(const TypedExpr& expr, int& nodes) {
  if (!expr.type.is_scalar() || ++nodes > kMaxSelected) return false;
  if (const auto* apply = std::get_if<typed::Apply>(&expr.node)) {
    if (apply->op == ScalarOp::div || apply->op == ScalarOp::mod) return false;
  } else if (!std::holds_alternative<typed::Constant>(expr.node) &&
             !std::holds_alternative<typed::Variable>(expr.node) &&
             !std::holds_alternative<typed::Convert>(expr.node) &&
             !std::holds_alternative<typed::IfExpr>(expr.node)) {
    return false;
  }
  bool simple = true;
  for_each_child(expr, [&](const TypedExpr& child) { simple = simple && is_simple(child, nodes); });
  return simple;
}

}  // namespace

Scalar number(DType type, int n) {
  if (type == DType::bool_) return Scalar::boolean(n != 0);
  return runtime::is_floating(type) ? Scalar::floating(type, n) : Scalar::integer(type, n);
}

// ---- instructions

ValueId FunctionLowering::emit(Op op, TypeId type, std::vector<ValueId> args, Attribute attribute,
                               Span span, std::string_view hint) {
  const ValueId result = out_.add_value(type, hint);
  out_.block(block_).insts.push_back({op, {result}, std::move(args), std::move(attribute), span});
  return result;
}

void FunctionLowering::emit_effect(Op op, std::vector<ValueId> args, Attribute attribute,
                                   Span span) {
  out_.block(block_).insts.push_back({op, {}, std::move(args), std::move(attribute), span});
}

ValueId FunctionLowering::constant(Scalar value, Span span, std::string_view hint) {
  return emit(Op::constant, shared_.module.types.scalar(value.type), {}, value, span, hint);
}

ValueId FunctionLowering::apply(ScalarOp op, std::vector<ValueId> args, Span span,
                                std::string_view hint) {
  const DType operand = shared_.module.type(out_, args.back()).dtype;
  const TypeId type = shared_.module.types.scalar(runtime::result_type(op, operand));
  return emit(Op::apply, type, std::move(args), op, span, hint);
}

// ---- expressions

TypeId FunctionLowering::type_id(const typed::Type& type) {
  return shared_.module.types.intern({type.dtype, type.concrete_shape()});
}

ValueId FunctionLowering::value(const TypedExpr& expr, std::string_view hint) {
  return std::visit([&](const auto& node) { return value_of(node, expr, hint); }, expr.node);
}

std::vector<ValueId> FunctionLowering::values(const std::vector<TypedExpr>& exprs) {
  std::vector<ValueId> out;
  for (const TypedExpr& expr : exprs) out.push_back(value(expr));
  return out;
}

ValueId FunctionLowering::value_of(const typed::Constant& node, const TypedExpr& expr,
                                   std::string_view hint) {
  return constant(node.value, expr.span, hint == "t" ? "c" : hint);
}

ValueId FunctionLowering::value_of(const typed::Variable& node, const TypedExpr&,
                                   std::string_view) {
  return read(node.var);
}

ValueId FunctionLowering::value_of(const typed::Apply& node, const TypedExpr& expr,
                                   std::string_view hint) {
  return apply(node.op, values(node.args), expr.span, hint);
}

ValueId FunctionLowering::value_of(const typed::Convert& node, const TypedExpr& expr,
                                   std::string_view hint) {
  const ValueId operand = value(*node.operand);
  return emit(Op::convert, type_of(expr), {operand}, {}, expr.span, hint);
}

ValueId FunctionLowering::value_of(const typed::IfExpr& node, const TypedExpr& expr,
                                   std::string_view hint) {
  const ValueId condition = value(*node.condition);
  int nodes = 0;
  if (is_simple(*node.then, nodes) && is_simple(*node.otherwise, nodes)) {
    const ValueId then = value(*node.then);
    const ValueId otherwise = value(*node.otherwise);
    return apply(ScalarOp::select, {condition, then, otherwise}, expr.span, hint);
  }
  const typed::VarId result = temporary(type_of(expr), hint);
  const BlockId join = out_.add_block("join");
  const SsaBuilder::Moment before = ssa_.now(block_);
  const Ways ways = branch(condition, "then", "else", expr.span);
  block_ = ways.then;
  write(result, value(*node.then));
  ssa_.jump(block_, join, expr.span);
  block_ = ways.otherwise;
  write(result, value(*node.otherwise));
  ssa_.jump(block_, join, expr.span);
  begin(join, before);
  return read(result);
}

ValueId FunctionLowering::value_of(const typed::Element& node, const TypedExpr& expr,
                                   std::string_view hint) {
  if (node.otherwise) return guarded_element(node, expr, hint);
  std::vector<ValueId> args = {value(*node.tensor)};
  for (const TypedExpr& subscript : node.subscripts) args.push_back(value(subscript));
  return emit(Op::element, type_of(expr), std::move(args), {},
              subscripts_span(node.subscripts, expr.span), hint);
}

/// Each subscript is checked before the next is evaluated; the first one outside ends at the value
/// after `else`.
ValueId FunctionLowering::guarded_element(const typed::Element& node, const TypedExpr& expr,
                                          std::string_view hint) {
  const Span span = expr.span;
  const typed::VarId result = temporary(type_of(expr), hint);
  const SsaBuilder::Moment before = ssa_.now(block_);
  const BlockId outside = out_.add_block("outside"), join = out_.add_block("join");
  std::vector<ValueId> args = {value(*node.tensor)};
  for (size_t axis = 0; axis < node.subscripts.size(); ++axis) {
    const ValueId subscript = value(node.subscripts[axis]);
    const ValueId extent = constant(node.tensor->type.shape[axis].value(), span);
    const ValueId from = apply(ScalarOp::le, {constant(0, span), subscript}, span);
    const ValueId to = apply(ScalarOp::lt, {subscript, extent}, span);
    const Ways ways = branch(apply(ScalarOp::and_, {from, to}, span), "inside", "miss", span);
    ssa_.jump(ways.otherwise, outside, span);
    block_ = ways.then;
    args.push_back(subscript);
  }
  write(result, emit(Op::element, type_of(expr), std::move(args), {}, span, hint));
  ssa_.jump(block_, join, span);
  begin(outside, before);
  write(result, value(*node.otherwise));
  ssa_.jump(block_, join, span);
  begin(join, before);
  return read(result);
}

ValueId FunctionLowering::value_of(const typed::Reduce& node, const TypedExpr& expr,
                                   std::string_view hint) {
  if (auto compute = BodyLowering(*this, {}).run(expr))
    return emit_compute(std::move(*compute), expr, hint);
  return explicit_reduce(node, expr, hint);
}

ValueId FunctionLowering::value_of(const typed::Compute& node, const TypedExpr& expr,
                                   std::string_view hint) {
  for (const typed::Operand& operand : node.operands) {
    write(operand.var, value(*operand.value, source_.vars[operand.var].name));
  }
  if (node.indices.empty()) return value(*node.body, hint);
  if (auto compute = BodyLowering(*this, node.indices).run(*node.body))
    return emit_compute(std::move(*compute), expr, hint);
  return explicit_compute(node, expr, hint);
}

ValueId FunctionLowering::value_of(const typed::Call& node, const TypedExpr& expr,
                                   std::string_view hint) {
  return call(node, expr, hint).front();
}

std::vector<ValueId> FunctionLowering::call(const typed::Call& node, const TypedExpr& expr,
                                            std::string_view hint) {
  std::vector<ValueId> args = all_leaves(node.args), results;
  for (const TypeId type : shared_.module.function(shared_.functions.at(node.callee)).results)
    results.push_back(out_.add_value(type, hint));
  out_.block(block_).insts.push_back({Op::call, results, std::move(args), instance_of(*node.callee),
                                      expr.span, false, definition_.path});
  return results;
}

ValueId FunctionLowering::value_of(const typed::Pack& node, const TypedExpr& expr,
                                   std::string_view hint) {
  return emit(Op::pack, type_of(expr), values(node.elements), {}, expr.span, hint);
}

ValueId FunctionLowering::value_of(const typed::Load& node, const TypedExpr& expr,
                                   std::string_view hint) {
  return emit(Op::load, type_of(expr), {}, LoadFrom{node.path, node.name}, expr.span, hint);
}

}  // namespace tenon::ir
