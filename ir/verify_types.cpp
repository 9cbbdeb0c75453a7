// The types of instructions, a rule for each row of ops.def; those in the bodies of computes are verify_body.cpp's.
#include <algorithm>

#include "ir/ranges.h"
#include "ir/verify_body.h"
#include "ir/verify_function.h"
#include "runtime/file_format.h"

namespace tenon::ir {

using runtime::row;

void FunctionVerifier::types(const Inst& inst) {
  if (inst.unchecked) check_unchecked(inst);
  switch (inst.op) {
    // clang-format off
#define OP(name, text, arity, result, trait, meaning) case Op::name: return check_##name(inst);
#include "ir/ops.def"
    // clang-format on
  }
}

void FunctionVerifier::check_unchecked(const Inst& inst) {
  const bool divides =
      inst.op == Op::apply && runtime::is_integer(type_of(inst.result()).dtype) &&
      (inst.get<ScalarOp>() == ScalarOp::div || inst.get<ScalarOp>() == ScalarOp::mod);
  ensure(can_be_unchecked(inst.op) && (inst.op != Op::apply || divides),
         "it checks nothing, so it cannot be `unchecked`");
}

void FunctionVerifier::want_type(ValueId value, const Type& type, std::string_view what) {
  ensure(type_of(value) == type, fmt::format("{} {} is `{}`, not `{}`", what, name_of(value),
                                             type_of(value).text(), type.text()));
}
void FunctionVerifier::want_bool(ValueId value, std::string_view what) {
  want_type(value, {DType::bool_, {}}, what);
}

void FunctionVerifier::check_constant(const Inst& inst) {
  want_type(inst.result(), {inst.get<Scalar>().type, {}}, "the result");
}

void FunctionVerifier::check_apply(const Inst& inst) {
  std::vector<DType> operands;
  for (const ValueId arg : inst.args) {
    if (!ensure(type_of(arg).is_scalar(), fmt::format("operand {} is no scalar", name_of(arg))))
      return;
    operands.push_back(type_of(arg).dtype);
  }
  const ScalarOp op = inst.get<ScalarOp>();
  if (const auto wrong = operand_error(op, operands)) return fail(*wrong);
  want_type(inst.result(), {runtime::result_type(op, operands.back()), {}}, "the result");
}

void FunctionVerifier::check_convert(const Inst& inst) {
  ensure(type_of(inst.args[0]).is_scalar() && type_of(inst.result()).is_scalar(),
         "only scalars are converted");
}

/// They are worked out in their order, where and as often as the nest says.
void FunctionVerifier::check_producers(const Compute& compute) {
  for (auto producer = compute.producers.begin(); producer != compute.producers.end(); ++producer) {
    check_compute(*producer);
    const std::span later(producer, compute.producers.end());
    for_each_use(function_, *producer, [&](ValueId used) {
      ensure(std::ranges::none_of(later, [&](const Inst& each) { return each.result() == used; }),
             fmt::format("{} reads {}, which is computed later", name_of(producer->result()), name_of(used)));
    });
    ensure(producer->unchecked || fallible_nodes(module_, function_, producer->get<Compute>()).empty(),
           fmt::format("{} is computed inside another and may fail", name_of(producer->result())));
  }
}

void FunctionVerifier::check_compute(const Inst& inst) {
  const Compute& compute = inst.get<Compute>();
  check_producers(compute);
  for (size_t i = 0; i < compute.bodies.size(); ++i) {
    const DType type = function_.exprs[compute.bodies[i]].type;
    want_type(inst.results[i], {type, compute.extents}, "the result");
  }
  if (auto wrong = body_error(module_, function_, compute)) fail(std::move(*wrong));
}

void FunctionVerifier::check_pack(const Inst& inst) {
  const Type& type = type_of(inst.result());
  ensure(runtime::element_count(type.shape) == static_cast<int64_t>(inst.args.size()),
         fmt::format("`{}` does not have {} elements", type.text(), inst.args.size()));
  for (const ValueId arg : inst.args) want_type(arg, {type.dtype, {}}, "element");
}

/// Whether the tensor has that many axes.
bool FunctionVerifier::check_subscripts(const Inst& inst, size_t axes) {
  const Type& tensor = type_of(inst.args[0]);
  for_each_subscript(inst, [&](size_t, ValueId subscript) {
    want_type(subscript, {DType::i64, {}}, "subscript");
  });
  return ensure(!tensor.is_scalar() && tensor.shape.size() == axes,
                fmt::format("{} has rank {}, but {} subscripts are given", name_of(inst.args[0]),
                            tensor.shape.size(), axes));
}

// [snippet check-element]
void FunctionVerifier::check_element(const Inst& inst) {
  check_subscripts(inst, inst.args.size() - 1);
  want_type(inst.result(), {type_of(inst.args[0]).dtype, {}}, "the result");
}
// [end]

void FunctionVerifier::check_update(const Inst& inst) {
  const Part& part = inst.get<Part>();
  const Type& whole = type_of(inst.args[0]);
  if (check_subscripts(inst, part.open.size()))
    want_type(inst.args.back(), {whole.dtype, part.shape(whole.shape)}, "the new part");
  want_type(inst.result(), whole, "the result");
}

void FunctionVerifier::check_effect(FuncId callee) {
  ensure(
      !function_.pure || module_.function(callee).pure,
      fmt::format("a pure function calls `@{}`, which has effects", module_.function(callee).name));
}

void FunctionVerifier::check_call(const Inst& inst) {
  const FuncId id = inst.get<FuncId>();
  const Function& callee = module_.function(id);
  check_effect(id);
  if (!ensure(callee.params.size() == inst.args.size(),
              fmt::format("`@{}` takes {} arguments, but {} are given", callee.name,
                          callee.params.size(), inst.args.size())))
    return;
  for (size_t i = 0; i < inst.args.size(); ++i) {
    want_type(inst.args[i], module_.type(callee, callee.params[i]), "argument");
  }
  const size_t gives = callee.results.size(), defines = inst.results.size();
  if (!ensure(gives == defines,
              fmt::format("`@{}` gives {} values, not {}", callee.name, gives, defines)))
    return;
  for (size_t i = 0; i < gives; ++i)
    want_type(inst.results[i], module_.types[callee.results[i]], "the result");
}

void FunctionVerifier::check_load(const Inst& inst) {
  const auto& [path, name] = inst.get<LoadFrom>();
  const runtime::FileFormat* format = runtime::file_format(path);
  if (ensure(format, "the ending of its file's name tells no known format"))
    ensure(format->named || name.empty(), "its file holds one tensor without a name");
}
void FunctionVerifier::check_save(const Inst&) {
  ensure(!function_.pure, "a pure function has an effect");
}
void FunctionVerifier::check_write(const Inst& inst) {
  ensure(!function_.pure, "a pure function has an effect");
  const Type& bytes = type_of(inst.args[0]);
  ensure(bytes.dtype == DType::i8 && bytes.shape.size() == 1, "it does not write an i8 tensor of rank 1");
}
void FunctionVerifier::check_print(const Inst& inst) {
  ensure(!function_.pure, "a pure function has an effect");
  ensure(inst.get<std::vector<std::string>>().size() == inst.args.size() + 1,
         "it does not have one text more than values");
}
void FunctionVerifier::check_assert_(const Inst& inst) {
  ensure(!function_.pure, "a pure function has an effect");
  want_bool(inst.args[0], "the condition");
}
void FunctionVerifier::check_share(const Inst& inst) {
  ensure(!type_of(inst.args[0]).is_scalar(), "scalars have no owners");
}
void FunctionVerifier::check_drop(const Inst& inst) {
  check_share(inst);
}

void FunctionVerifier::check_edges(const Inst& inst, size_t count) {
  const auto& edges = inst.get<std::vector<Edge>>();
  if (!ensure(edges.size() == count, fmt::format("it has {} targets, not {}", edges.size(), count)))
    return;
  for (const Edge& edge : edges) {
    const Block& target = function_.block(edge.target);
    ensure(edge.target.index != 0, "it goes to the entry block");
    if (!ensure(target.params.size() == edge.args.size(),
                fmt::format("block `{}` takes {} arguments, but {} are given", target.name,
                            target.params.size(), edge.args.size())))
      continue;
    for (size_t i = 0; i < edge.args.size(); ++i)
      want_type(edge.args[i], type_of(target.params[i]), "argument");
  }
}
void FunctionVerifier::check_jump(const Inst& inst) {
  check_edges(inst, 1);
}
void FunctionVerifier::check_branch(const Inst& inst) {
  want_bool(inst.args[0], "the condition");
  check_edges(inst, 2);
}
void FunctionVerifier::check_ret(const Inst& inst) {
  const size_t count = function_.results.size();
  if (!ensure(inst.args.size() == count,
              fmt::format("the function returns {} values, not {}", count, inst.args.size())))
    return;
  for (size_t i = 0; i < count; ++i)
    want_type(inst.args[i], module_.types[function_.results[i]], "the returned");
}

}  // namespace tenon::ir
