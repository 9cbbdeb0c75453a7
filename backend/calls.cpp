#include "backend/calls.h"

namespace tenon::backend {
namespace {

using ir::FuncId;
using ir::Function;
using ir::Inst;
using ir::Module;
using ir::Op;
using runtime::ScalarOp;

/// Whether the instruction itself can stop the program, memory that runs out included.
bool fails(const Constants& constants, const Inst& inst) {
  switch (inst.op) {
    case Op::compute:
    case Op::pack:
    case Op::load:
    case Op::save:
    case Op::assert_:
    case Op::update: return true;
    case Op::apply: return constants.may_divide_by_zero(inst);
    case Op::element:
      for (size_t axis = 0; axis + 1 < inst.args.size(); ++axis)
        if (constants.may_leave_range(inst, axis)) return true;
      return false;
    default: return false;
  }
}

bool fails(const Module& module, const Function& function) {
  if (function.recursive) return true;
  const Constants constants(module, function);
  for (const ir::Block& block : function.blocks)
    for (const Inst& inst : block.insts)
      if (fails(constants, inst)) return true;
  return false;
}

/// Gives every caller, direct or not, of a function with the property that property.
void spread_to_callers(const std::vector<std::vector<uint32_t>>& callers,
                       std::vector<Convention>& functions, bool Convention::*property) {
  std::vector<uint32_t> todo;
  for (uint32_t f = 0; f < functions.size(); ++f)
    if (functions[f].*property) todo.push_back(f);
  while (!todo.empty()) {
    const uint32_t callee = todo.back();
    todo.pop_back();
    for (uint32_t caller : callers[callee]) {
      if (functions[caller].*property) continue;
      functions[caller].*property = true;
      todo.push_back(caller);
    }
  }
}

void collect(const ir::loops::Block& block, const Conventions& functions, Convention& into) {
  for (const ir::loops::Stmt& stmt : block) {
    if (const auto* loop = std::get_if<ir::loops::For>(&stmt.node)) {
      collect(loop->body, functions, into);
    } else if (const auto* branch = std::get_if<ir::loops::If>(&stmt.node)) {
      collect(branch->then, functions, into);
      collect(branch->otherwise, functions, into);
    } else if (const auto* call = std::get_if<ir::loops::CallInto>(&stmt.node)) {
      into.fails |= functions.of(call->callee).fails;
      into.deep |= functions.of(call->callee).deep;
    } else if (std::holds_alternative<ir::loops::Check>(stmt.node)) {
      into.fails = true;
    }
  }
}

}  // namespace

Conventions::Conventions(const Module& module) : functions_(module.functions.size()) {
  std::vector<std::vector<uint32_t>> callers(module.functions.size());
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    const Function& function = module.functions[f];
    functions_[f] = {fails(module, function), function.recursive};
    ir::for_each_callee(function, [&](FuncId callee) { callers[callee.index].push_back(f); });
  }
  spread_to_callers(callers, functions_, &Convention::fails);
  spread_to_callers(callers, functions_, &Convention::deep);
}

Convention Conventions::of(const ir::loops::Kernel& kernel) const {
  Convention convention;
  collect(kernel.body, *this, convention);
  return convention;
}

std::string result_type(std::string_view value, Convention convention) {
  if (!convention.fails) return std::string(value.empty() ? "void" : value);
  return value.empty() ? "i1" : fmt::format("{{ {}, i1 }}", value);
}

std::string return_value(std::string_view type, std::string_view value, Convention convention,
                         FunctionText& out) {
  if (!convention.fails) return type.empty() ? "ret void" : fmt::format("ret {} {}", type, value);
  if (type.empty()) return "ret i1 false";
  const std::string both = out.fresh("result"), pair = result_type(type, convention);
  out.line("{} = insertvalue {} {{ {} poison, i1 false }}, {} {}, 0", both, pair, type, type,
           value);
  return fmt::format("ret {} {}", pair, both);
}

std::string return_failed(std::string_view type, Convention convention) {
  if (type.empty()) return "ret i1 true";
  return fmt::format("ret {} {{ {} poison, i1 true }}", result_type(type, convention), type);
}

void write_call(FunctionText& out, const std::string& callee, Convention convention,
                const std::string& result, std::string_view type, const std::string& depth,
                std::span<const std::string> args) {
  std::string all = "ptr %context";
  if (convention.deep) all += ", i64 " + depth;
  for (const std::string& arg : args) all += ", " + arg;
  const std::string returned = result_type(type, convention);
  const std::string call = fmt::format("call {} {}({})", returned, callee, all);
  if (!convention.fails) {
    out.line("{}{}{}", result, result.empty() ? "" : " = ", call);
  } else if (type.empty()) {
    const std::string failed = out.fresh("failed");
    out.line("{} = {}", failed, call);
    out.fail_if(failed);
  } else {
    const std::string pair = out.fresh("pair"), failed = out.fresh("failed");
    out.line("{} = {}", pair, call);
    out.line("{} = extractvalue {} {}, 1", failed, returned, pair);
    out.fail_if(failed);
    out.line("{} = extractvalue {} {}, 0", result, returned, pair);
  }
}

void write_function_call(FunctionText& out, const Module& module, const Conventions& conventions,
                         FuncId callee, const std::string& result, const std::string& depth,
                         std::span<const std::string> args, Span span) {
  const Function& function = module.function(callee);
  std::string passed = depth;
  if (function.recursive) {
    passed = out.fresh("deeper");
    const std::string fits = out.fresh("fits"), limit = std::to_string(runtime::kMaxCallDepth);
    out.line("{} = add i64 {}, 1", passed, depth);
    out.line("{} = icmp sle i64 {}, {}", fits, passed, limit);
    out.fail_unless(fits, runtime::FaultKind::recursion_too_deep, span, limit);
  }
  const std::string_view type =
      function.result ? value_type(module.types[function.result]) : std::string_view();
  write_call(out, symbol("fn." + function.name), conventions.of(callee), result, type, passed,
             args);
}

// ---- what needs no check

Constants::Constants(const Module& module, const Function& function)
    : module_(module), function_(function), values_(function.values.size()) {
  for (const ir::Block& block : function.blocks)
    for (const Inst& inst : block.insts)
      if (inst.op == Op::constant) values_[inst.result.index] = &inst.get<Scalar>();
}

bool Constants::may_divide_by_zero(const Inst& apply) const {
  const ScalarOp op = apply.get<ScalarOp>();
  if (op != ScalarOp::div && op != ScalarOp::mod) return false;
  if (!runtime::is_integer(module_.type(function_, apply.result).dtype)) return false;
  const Scalar* divisor = find(apply.args[1]);
  return divisor == nullptr || divisor->i == 0;
}

bool Constants::may_leave_range(const Inst& inst, size_t axis) const {
  const int64_t extent = module_.type(function_, inst.args[0]).shape[axis];
  const Scalar* subscript = find(inst.args[axis + 1]);
  return subscript == nullptr || subscript->i < 0 || subscript->i >= extent;
}

}  // namespace tenon::backend
