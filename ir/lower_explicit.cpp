// Computes and reductions as loops of instructions: slow, but able to say whatever the source can.
// Only bodies that an index expression cannot express come here, such as one that needs a whole
// tensor of its own per element.
#include "ir/lowering.h"

namespace tenon::ir {

ValueId FunctionLowering::explicit_compute(const typed::Compute& node, const TypedExpr& expr,
                                           std::string_view hint) {
  const Span span = expr.span;
  const typed::VarId result = temporary(type_of(expr), hint);
  const Compute zeros = {
      expr.type.concrete_shape(), {out_.exprs.constant(number(expr.type.dtype, 0))}, {}};
  write(result, emit(Op::compute, type_of(expr), {}, zeros, span, hint));
  // An empty axis inside a long one is no long walk.
  if (runtime::element_count(zeros.extents).value_or(0) == 0) return read(result);

  const std::function<void(size_t)> axis = [&](size_t depth) {
    if (depth < node.indices.size()) {
      const typed::ComputeIndex& index = node.indices[depth];
      const ValueId lo = constant(index.lo, span);
      const ValueId hi = constant(index.lo + index.extent.value(), span);
      return count(index.var, lo, hi, span, [&] { axis(depth + 1); });
    }
    const ValueId element = value(*node.body);
    std::vector<ValueId> args = {read(result)};
    for (const typed::ComputeIndex& index : node.indices) {
      args.push_back(apply(ScalarOp::sub, {read(index.var), constant(index.lo, span)}, span));
    }
    args.push_back(element);
    write(result, emit(Op::update, type_of(expr), std::move(args),
                       Part::element(node.indices.size()), span, hint));
  };
  axis(0);
  return read(result);
}

/// for i in 0..n { result[ids[i], :, …] = result[ids[i], :, …] + values[i, :, …] }
ValueId FunctionLowering::value_of(const typed::ScatterAdd& node, const TypedExpr& expr,
                                   std::string_view hint) {
  const Span span = expr.span;
  const typed::VarId result = temporary(type_of(expr), hint);
  write(result, value(*node.tensor));
  const ValueId ids = value(*node.ids), values = value(*node.values);
  const Shape shape = expr.type.concrete_shape();
  const Shape part(shape.begin() + 1, shape.end());
  const TypeId part_type = shared_.module.types.intern({expr.type.dtype, part});
  const typed::VarId i = temporary(shared_.module.types.scalar(DType::i64), "i");
  const ValueId count_ids = constant(node.ids->type.shape[0].value(), span);
  count(i, constant(0, span), count_ids, span, [&] {
    const TypeId i64 = shared_.module.types.scalar(DType::i64);
    const ValueId id = emit(Op::element, i64, {ids, read(i)}, {}, span, "id");
    const auto row = [&](ValueId tensor, ValueId first) {
      std::vector<ExprId> subscripts = {out_.exprs.value(first, DType::i64)};
      for (uint32_t level = 0; level < part.size(); ++level) {
        subscripts.push_back(out_.exprs.index(level));
      }
      return out_.exprs.read(tensor, expr.type.dtype, std::move(subscripts));
    };
    const ExprId old = row(read(result), id);
    const ExprId sum = out_.exprs.apply(ScalarOp::add, {old, row(values, read(i))});
    const ValueId added =
        emit(Op::compute, part_type, {}, Compute{part, {sum}, {{old, span}}}, span, hint);
    std::vector<bool> open(shape.size(), true);
    open[0] = false;
    write(result, emit(Op::update, type_of(expr), {read(result), id, added},
                       Part{std::move(open)}, span, hint));
  });
  return read(result);
}

/// max, min, argmax and argmin of nothing fail: so does the same reduction of a constant.
void FunctionLowering::refuse_empty(const typed::Reduce& node, std::span<const ValueId> bounds,
                                    Span span) {
  std::vector<ExprId> args;
  for (ValueId bound : bounds) args.push_back(out_.exprs.value(bound, DType::i64));
  const DType type = node.body->type.dtype;
  const ExprId body =
      out_.exprs.reduce(node.reduction, 0, args, out_.exprs.constant(number(type, 0)));
  emit(Op::compute, shared_.module.types.scalar(out_.exprs[body].type), {},
       Compute{{}, {body}, {{body, span}}}, span, "nonempty");
}

ValueId FunctionLowering::explicit_reduce(const typed::Reduce& node, const TypedExpr& expr,
                                          std::string_view hint) {
  const Span span = expr.span;
  const DType type = node.body->type.dtype;
  const Reduction reduction = node.reduction;
  std::vector<ValueId> bounds;
  for (const typed::ReduceIndex& index : node.indices) {
    bounds.push_back(value(*index.lo));
    bounds.push_back(value(*index.hi));
  }
  const bool has_start = reduction == Reduction::sum || reduction == Reduction::prod ||
                         reduction == Reduction::any || reduction == Reduction::all;
  if (!has_start) refuse_empty(node, bounds, span);

  ValueId first_hi = bounds[1];  // with an empty axis the first one is empty too
  for (size_t i = 2; i < bounds.size(); i += 2) {
    const ValueId runs = apply(ScalarOp::lt, {bounds[i], bounds[i + 1]}, span);
    first_hi = apply(ScalarOp::select, {runs, first_hi, bounds[0]}, span);
  }
  bounds[1] = first_hi;

  const TypeId bool_ = shared_.module.types.scalar(DType::bool_);
  const TypeId i64 = shared_.module.types.scalar(DType::i64);
  const typed::VarId best = temporary(shared_.module.types.scalar(type), hint);
  const typed::VarId seen = temporary(bool_, "seen"), where = temporary(i64, hint);
  const bool starts_at_one = reduction == Reduction::prod || reduction == Reduction::all;
  write(best, constant(number(type, starts_at_one), span));
  write(seen, constant(Scalar::boolean(false), span));
  write(where, constant(0, span));

  /// best = what one more element makes of it
  const auto combine = [&](ScalarOp op, ValueId x) {
    const ValueId both = apply(op, {read(best), x}, span);
    write(best, has_start ? both : apply(ScalarOp::select, {read(seen), both, x}, span));
  };
  /// The first element, or a better one, or a NaN; nothing is better than a NaN.
  const auto take_if_better = [&](ScalarOp better, ValueId x) {
    ValueId takes = apply(better, {x, read(best)}, span);
    if (runtime::is_floating(type)) {
      const ValueId any_nan =
          apply(ScalarOp::or_, {takes, apply(ScalarOp::isnan, {x}, span)}, span);
      const ValueId is_nan = apply(ScalarOp::isnan, {read(best)}, span);
      takes = apply(ScalarOp::and_, {any_nan, apply(ScalarOp::not_, {is_nan}, span)}, span);
    }
    takes = apply(ScalarOp::or_, {takes, apply(ScalarOp::not_, {read(seen)}, span)}, span);
    const ValueId index = read(node.indices.back().var);
    write(best, apply(ScalarOp::select, {takes, x, read(best)}, span));
    write(where, apply(ScalarOp::select, {takes, index, read(where)}, span));
  };
  const auto take = [&](ValueId x) {
    switch (reduction) {
      case Reduction::sum: combine(ScalarOp::add, x); break;
      case Reduction::prod: combine(ScalarOp::mul, x); break;
      case Reduction::any: combine(ScalarOp::or_, x); break;
      case Reduction::all: combine(ScalarOp::and_, x); break;
      case Reduction::max: combine(ScalarOp::max, x); break;
      case Reduction::min: combine(ScalarOp::min, x); break;
      case Reduction::argmax: take_if_better(ScalarOp::gt, x); break;
      case Reduction::argmin: take_if_better(ScalarOp::lt, x); break;
    }
    write(seen, constant(Scalar::boolean(true), span));
  };

  const std::function<void(size_t)> axis = [&](size_t depth) {
    if (depth == node.indices.size()) return take(value(*node.body));
    count(node.indices[depth].var, bounds[2 * depth], bounds[2 * depth + 1], span,
          [&] { axis(depth + 1); });
  };
  axis(0);
  const bool gives_index = reduction == Reduction::argmax || reduction == Reduction::argmin;
  return read(gives_index ? where : best);
}

}  // namespace tenon::ir
