#include "backend/calls.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "backend/nest_facts.h"

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
    case Op::element: return constants.may_leave_range(inst);
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
  convention.fails = std::ranges::any_of(
      kernel.locals, [](const ir::Type& type) { return bytes_of(type) > kStackBytes; });
  collect(kernel.body, *this, convention);
  return convention;
}

ResultTypes result_types(const Module& module, const Function& function) {
  ResultTypes types;
  for (const ir::TypeId type : function.results) types.push_back(value_type(module.types[type]));
  return types;
}

std::string result_type(const ResultTypes& values, Convention convention) {
  ResultTypes parts = values;
  if (convention.fails) parts.push_back("i1");
  if (parts.empty()) return "void";
  return parts.size() == 1 ? std::string(parts[0])
                           : fmt::format("{{ {} }}", fmt::join(parts, ", "));
}

namespace {

/// What is returned before its values are put in: the flag, and nothing yet.
std::string flag_only(const ResultTypes& types, Convention convention, bool failed) {
  std::string parts;
  for (std::string_view type : types)
    parts += fmt::format("{}{} poison", parts.empty() ? "" : ", ", type);
  if (convention.fails) parts += fmt::format(", i1 {}", failed);
  return fmt::format("{{ {} }}", parts);
}

}  // namespace

std::string return_values(const ResultTypes& types, std::span<const std::string> values,
                          Convention convention, FunctionText& out) {
  const std::string type = result_type(types, convention);
  if (types.empty()) return convention.fails ? "ret i1 false" : "ret void";
  if (types.size() == 1 && !convention.fails) return fmt::format("ret {} {}", type, values[0]);
  std::string all = flag_only(types, convention, false);
  for (size_t i = 0; i < types.size(); ++i) {
    const std::string more = out.fresh("result");
    out.line("{} = insertvalue {} {}, {} {}, {}", more, type, all, types[i], values[i], i);
    all = more;
  }
  return fmt::format("ret {} {}", type, all);
}

std::string return_failed(const ResultTypes& types, Convention convention) {
  if (types.empty()) return "ret i1 true";
  return fmt::format("ret {} {}", result_type(types, convention),
                     flag_only(types, convention, true));
}

void write_call(FunctionText& out, const std::string& callee, Convention convention,
                std::span<const std::string> results, const ResultTypes& types,
                const std::string& depth, std::span<const std::string> args) {
  std::string all = "ptr %context";
  if (convention.deep) all += ", i64 " + depth;
  for (const std::string& arg : args) all += ", " + arg;
  const std::string returned = result_type(types, convention);
  const std::string call = fmt::format("call {} {}({})", returned, callee, all);
  if (types.empty() && !convention.fails) return out.line("{}", call);
  if (types.size() == 1 && !convention.fails) return out.line("{} = {}", results[0], call);
  if (types.empty()) {
    const std::string failed = out.fresh("failed");
    out.line("{} = {}", failed, call);
    return out.fail_if(failed);
  }
  const std::string parts = out.fresh("returned");
  out.line("{} = {}", parts, call);
  if (convention.fails) {
    const std::string failed = out.fresh("failed");
    out.line("{} = extractvalue {} {}, {}", failed, returned, parts, types.size());
    out.fail_if(failed);
  }
  for (size_t i = 0; i < types.size(); ++i)
    out.line("{} = extractvalue {} {}, {}", results[i], returned, parts, i);
}

void write_function_call(FunctionText& out, const Module& module, const Conventions& conventions,
                         FuncId callee, std::span<const std::string> results,
                         const std::string& depth, std::span<const std::string> args, Span span) {
  const Function& function = module.function(callee);
  std::string passed = depth;
  if (function.recursive) {
    passed = out.fresh("deeper");
    const std::string fits = out.fresh("fits"), limit = std::to_string(runtime::kMaxCallDepth);
    out.line("{} = add i64 {}, 1", passed, depth);
    out.line("{} = icmp sle i64 {}, {}", fits, passed, limit);
    out.fail_unless(fits, runtime::FaultKind::recursion_too_deep, span, limit);
  }
  write_call(out, symbol("fn." + function.name), conventions.of(callee), results,
             result_types(module, function), passed, args);
}

// ---- what needs no check

Constants::Constants(const Module& module, const Function& function)
    : module_(module), function_(function), values_(function.values.size()) {
  for (const ir::Block& block : function.blocks)
    for (const Inst& inst : block.insts)
      if (inst.op == Op::constant) values_[inst.result().index] = &inst.get<Scalar>();
}

bool Constants::may_divide_by_zero(const Inst& apply) const {
  if (apply.unchecked) return false;
  const ScalarOp op = apply.get<ScalarOp>();
  if (op != ScalarOp::div && op != ScalarOp::mod) return false;
  if (!runtime::is_integer(module_.type(function_, apply.result()).dtype)) return false;
  const Scalar* divisor = find(apply.args[1]);
  return divisor == nullptr || divisor->i == 0;
}

bool Constants::may_leave_range(ir::ValueId subscript, int64_t extent) const {
  const Scalar* constant = find(subscript);
  return constant == nullptr || constant->i < 0 || constant->i >= extent;
}

bool Constants::may_leave_range(const Inst& inst) const {
  if (inst.unchecked) return false;
  const ir::Shape& shape = module_.type(function_, inst.args[0]).shape;
  bool may_leave = false;
  ir::for_each_subscript(inst, [&](size_t axis, ir::ValueId subscript) {
    may_leave = may_leave || may_leave_range(subscript, shape[axis]);
  });
  return may_leave;
}

}  // namespace tenon::backend
