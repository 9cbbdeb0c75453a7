// Tensor built-ins that are index definitions underneath: reshape, concat, uniform and normal; and
// scatter_add, which is not.
#include <algorithm>

#include "ast/function_checker.h"

namespace tenon::ast {

namespace {

typed::Expr binary(ScalarOp op, typed::Expr a, typed::Expr b) {
  const Span span = a.span;
  typed::Apply made{op, {}};
  made.args.push_back(std::move(a));
  made.args.push_back(std::move(b));
  return {{DType::i64, {}}, span, std::move(made)};
}

/// The number of elements; nothing if it does not fit.
std::optional<Extent> count_of(const typed::Type& type) {
  Extent count(1);
  for (const Extent& extent : type.shape) {
    auto product = Extent::mul(count, extent);
    if (!product) return std::nullopt;
    count = *product;
  }
  return count;
}

/// Elements from one step of each axis to the next, row-major. Before they are numbers, 1: the
/// expressions made of them are not kept.
std::vector<int64_t> strides_of(const typed::Type& type) {
  std::vector<int64_t> strides(type.shape.size(), 1);
  for (size_t axis = type.shape.size(); axis-- > 1;) {
    const int64_t extent = type.shape[axis].constant().value_or(1);
    strides[axis - 1] = strides[axis] * (extent > 0 ? extent : 1);
  }
  return strides;
}

}  // namespace

MaybeChecked FunctionChecker::call_tensor_builtin(const Call& n, Span span, TypePtr want) {
  const std::string& name = n.callee.text;
  if (name == "concat") return call_concat(n, span, want);
  if (name == "uniform" || name == "normal") return call_random(n, span, want);
  if (!no_brackets(n)) return std::nullopt;
  return name == "reshape" ? call_reshape(n, span, want) : call_scatter_add(n, span, want);
}

/// The row-major position of an element: the sum of index times stride.
typed::Expr FunctionChecker::position(const std::vector<typed::ComputeIndex>& indices,
                                      const typed::Type& type, Span span) {
  const std::vector<int64_t> strides = strides_of(type);
  std::optional<typed::Expr> sum;
  for (size_t axis = 0; axis < indices.size(); axis++) {
    typed::Expr step = variable(indices[axis].var, span);
    if (strides[axis] != 1) {
      step = binary(ScalarOp::mul, std::move(step), index_constant(strides[axis], span));
    }
    sum = sum ? binary(ScalarOp::add, std::move(*sum), std::move(step)) : std::move(step);
  }
  return sum ? std::move(*sum) : index_constant(0, span);
}

std::vector<typed::ComputeIndex> FunctionChecker::indices_over(const typed::Type& type, Span span) {
  std::vector<typed::ComputeIndex> indices;
  for (const Extent& extent : type.shape) indices.push_back({hidden_index(span), 0, extent});
  return indices;
}

/// Element p of the result is element p of x, both counted in row-major order.
MaybeChecked FunctionChecker::call_reshape(const Call& n, Span span, TypePtr want) {
  if (!argument_count(n.callee, 1, n.args.size(), span)) return std::nullopt;
  auto checked = expression(*n.args[0]);
  const bool takes = checked && checked->open && want && !want->aggregate;
  if (!checked || !(takes ? coerce(*checked, want->dtype) : settle_default(*checked))) {
    return std::nullopt;
  }
  typed::Expr* x = &checked->expr;
  if (x->type.aggregate) {
    report(Diag::operand_type, span, n.callee.text, x->type.text());
    return std::nullopt;
  }
  if (!want || want->aggregate) {
    report(Diag::needs_context, span, n.callee.text)
        .hint("give it a type: `let y: f32[2, 3] = reshape(x);`");
    return std::nullopt;
  }
  const typed::Type type{x->type.dtype, want->shape}, from = x->type;
  auto before = count_of(from), after = count_of(type);
  if (before && after && !agree(*before, *after)) {
    report(Diag::reshape_count, span, from.text(), before->text(), type.text(), after->text());
    return std::nullopt;
  }
  if (from.shape == type.shape) return Checked{std::move(*x)};

  typed::Compute made;
  made.indices = indices_over(type, span);
  typed::VarId whole = hidden_operand(from, x->span);
  made.operands.push_back({whole, boxed(std::move(*x))});
  if (from.is_scalar()) {
    made.body = boxed(variable(whole, span));
    return Checked{{type, span, std::move(made)}};
  }
  typed::Element element{boxed(variable(whole, span)), {}, nullptr};
  const std::vector<int64_t> strides = strides_of(from);
  for (size_t axis = 0; axis < strides.size(); axis++) {
    typed::Expr s = position(made.indices, type, span);
    const int64_t extent = from.shape[axis].constant().value_or(1);
    if (strides[axis] != 1) {
      s = binary(ScalarOp::div, std::move(s), index_constant(strides[axis], span));
    }
    s = binary(ScalarOp::mod, std::move(s), index_constant(extent > 0 ? extent : 1, span));
    element.subscripts.push_back(std::move(s));
  }
  made.body = boxed(typed::Expr{{type.dtype, {}}, span, std::move(element)});
  return Checked{{type, span, std::move(made)}};
}

// ---- concat

std::optional<size_t> FunctionChecker::concat_axis(const Call& n, size_t rank) {
  if (n.brackets.empty()) return 0;
  const BracketArg& arg = n.brackets[0];
  auto* e = std::get_if<ExprPtr>(&arg.value);
  const bool named = arg.name.text.empty() || arg.name.text == "axis";
  if (n.brackets.size() > 1 || !e || !named) {
    report(Diag::bracket_argument, n.brackets.size() > 1 ? n.brackets[1].span : arg.span,
           "`concat` takes one argument in brackets, `axis`");
    return std::nullopt;
  }
  auto value = extent(**e);
  if (!value) return std::nullopt;
  auto number = value->constant();
  if (number && *number >= 0 && *number < static_cast<int64_t>(rank)) return *number;
  report(Diag::concat_shapes, arg.span,
         fmt::format("there is no axis {}: the tensors have rank {}", value->text(), rank))
      .hint("axes are counted from 0");
  return std::nullopt;
}

MaybeChecked FunctionChecker::call_concat(const Call& n, Span span, TypePtr) {
  auto given = arguments(n);
  if (!given) return std::nullopt;
  std::vector<Checked>& parts = *given;
  if (parts.size() < 2) {
    report(Diag::argument_count, span, n.callee.text, "two or more", parts.size());
    return std::nullopt;
  }
  std::vector<Checked*> all;
  for (Checked& part : parts) all.push_back(&part);
  const size_t rank = parts[0].type().shape.size();
  for (const Checked& part : parts) {
    if (!part.type().shape.empty() && part.type().shape.size() == rank) continue;
    report(Diag::concat_shapes, part.expr.span,
           fmt::format("`concat` joins tensors of one rank; this is {}", quoted(part.type())))
        .note(parts[0].expr.span, fmt::format("the first is {}", quoted(parts[0].type())));
    return std::nullopt;
  }
  auto common = common_type(all);
  if (!common) {
    refuse_elements(all);
    return std::nullopt;
  }
  auto axis = concat_axis(n, rank);
  const bool open = std::ranges::all_of(parts, &Checked::open);
  if (!axis || (!open && !unify(all, *common))) return std::nullopt;
  return joined(std::move(parts), *axis, *common, open, span);
}

/// a[i else b[i - A else c[i - A - B else …]]], with i along the axis.
MaybeChecked FunctionChecker::joined(std::vector<Checked> parts, size_t axis, DType dtype, bool open,
                                     Span span) {
  typed::Type type{dtype, parts[0].type().shape};
  std::vector<int64_t> offsets{0};
  for (size_t p = 1; p < parts.size(); p++) {
    const std::vector<Extent>& shape = parts[p].type().shape;
    for (size_t i = 0; i < shape.size(); i++) {
      if (i == axis || agree(shape[i], type.shape[i])) continue;
      auto& d = report(Diag::concat_shapes, parts[p].expr.span,
                       fmt::format("{} and {} differ on axis {}, along which they are not joined",
                                   quoted(parts[p].type()), quoted(parts[0].type()), i));
      show_axes(d, side(parts[0].expr, "first"), i, side(parts[p].expr, "this"), i,
                fmt::format("axis {}", i));
      return std::nullopt;
    }
    offsets.push_back(type.shape[axis].constant().value_or(0));
    auto sum = Extent::add(type.shape[axis], shape[axis]);
    if (!sum) {
      report(Diag::extent_arithmetic, span, "does not fit 64 bits");
      return std::nullopt;
    }
    type.shape[axis] = *sum;
  }
  if (!fits_memory(type, span)) return std::nullopt;
  typed::Compute made;
  made.indices = indices_over(type, span);
  std::vector<typed::VarId> operands;
  for (Checked& part : parts) {
    operands.push_back(hidden_operand(part.type(), part.expr.span));
    made.operands.push_back({operands.back(), boxed(std::move(part.expr))});
  }
  typed::Expr body = number(dtype, 0, span);  // never read: the last part takes what is left
  if (open) std::get<typed::Constant>(body.node).literal = "0";
  for (size_t p = operands.size(); p-- > 0;) {
    typed::Element element{boxed(variable(operands[p], span)), {}, boxed(std::move(body))};
    for (size_t i = 0; i < type.shape.size(); i++) {
      typed::Expr s = variable(made.indices[i].var, span);
      if (i == axis && offsets[p] != 0) {
        s = binary(ScalarOp::sub, std::move(s), index_constant(offsets[p], span));
      }
      element.subscripts.push_back(std::move(s));
    }
    body = {{dtype, {}}, span, std::move(element)};
  }
  made.body = boxed(std::move(body));
  return Checked{{std::move(type), span, std::move(made)}, open};
}

// ---- scatter_add

MaybeChecked FunctionChecker::call_scatter_add(const Call& n, Span span, TypePtr want) {
  if (!argument_count(n.callee, 3, n.args.size(), span)) return std::nullopt;
  auto tensor = expression(*n.args[0], want);
  auto ids = expression(*n.args[1]);
  auto values = expression(*n.args[2]);
  if (!tensor || !ids || !values) return std::nullopt;
  if (tensor->type().shape.empty()) {
    report(Diag::type_mismatch, tensor->expr.span, "a tensor", quoted(tensor->type()));
    return std::nullopt;
  }
  if (ids->type().shape.size() != 1 || !runtime::is_integer(ids->dtype())) {
    report(Diag::type_mismatch, ids->expr.span, "integers in a tensor of rank 1", quoted(ids->type()))
        .hint("each id says which row of the first argument a row of the third is added to");
    return std::nullopt;
  }
  std::vector<Checked*> both{&*tensor, &*values};
  auto common = common_type(both);
  if (!common || !runtime::accepts(ScalarOp::add, *common)) {
    refuse_operands(ScalarOp::add, n.callee.text, both, span);
    return std::nullopt;
  }
  if (!unify(both, *common) || !coerce(*ids, DType::i64)) return std::nullopt;
  typed::Type wanted = tensor->type();  // of the values: a part for each id
  wanted.shape[0] = ids->type().shape[0];
  const Origin origin{ids->expr.span, fmt::format("there is a value for each of {} ids",
                                                  wanted.shape[0].text())};
  if (!coerce(*values, wanted, origin)) return std::nullopt;
  typed::Type type = tensor->type();
  typed::ScatterAdd made{boxed(std::move(tensor->expr)), boxed(std::move(ids->expr)),
                         boxed(std::move(values->expr))};
  return Checked{{std::move(type), span, std::move(made)}};
}

// ---- uniform, normal

/// Element p is a function of the seed and p alone, so that every target and any number of threads
/// give the same numbers: prelude/random.tn.
MaybeChecked FunctionChecker::call_random(const Call& n, Span span, TypePtr want) {
  if (!argument_count(n.callee, 1, n.args.size(), span)) return std::nullopt;
  typed::Type type{DType::f32, {}};
  if (n.brackets.empty()) {
    if (!want || want->aggregate) {
      report(Diag::needs_context, span, n.callee.text)
          .hint(fmt::format("give its extents: `{}[2, 3](seed)`", n.callee.text));
      return std::nullopt;
    }
    type.shape = want->shape;
  } else {
    auto given = tensor_type(DType::f32, n.brackets, span);
    if (!given) return std::nullopt;
    type = *given;
  }
  auto seed = expression_of(*n.args[0], {DType::i64, {}},
                            {n.callee.span, "the seed is an integer"});
  if (!seed) return std::nullopt;
  const FunctionInfo* element = program_.find_function(n.callee.text + "_element", true);
  if (!element) throw std::logic_error("prelude/random.tn lacks " + n.callee.text + "_element");
  typed::Compute made;
  made.indices = indices_over(type, span);
  typed::VarId start = hidden_operand({DType::i64, {}}, span);
  made.operands.push_back({start, boxed(std::move(*seed))});
  auto value = make_call(*element, {},
                         list({variable(start, span)}, {position(made.indices, type, span)}), span);
  if (!value) return std::nullopt;
  made.body = boxed(std::move(value->expr));
  return Checked{{std::move(type), span, std::move(made)}};
}

}  // namespace tenon::ast
