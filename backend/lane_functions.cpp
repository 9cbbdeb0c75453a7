// Straight functions have one block of arithmetic, so that each instruction has an equivalent in lanes, and
// what they call can be written out. Products and sums are not fused: all kernels get the bits that the
// scalar function gives.
#include "backend/lane_functions.h"

#include <unordered_map>

#include "backend/scalar_to_llvm.h"

namespace tenon::backend {
namespace {

using ir::Function;
using ir::Inst;
using ir::Op;
using ir::ValueId;
using runtime::ScalarOp;

class LaneFunction {
 public:
  LaneFunction(ModuleText& module_text, const ir::Module& module, Lanes lanes)
      : out_(module_text), module_(module), lanes_(lanes) {}

  std::string write(const std::string& name, const Function& function) {
    std::string params;
    std::vector<std::string> args;
    for (const ValueId param : function.params) {
      args.push_back(out_.fresh(function.values[param.index].name));
      params += fmt::format("{}{} {}", params.empty() ? "" : ", ", type(function, param), args.back());
    }
    out_.label(out_.fresh("entry"));
    const std::string result = body(function, std::move(args));
    const std::string result_type = lane_type(module_.types[function.results[0]].dtype, lanes_);
    const std::string ret = fmt::format("ret {} {}", result_type,
                                        operand(result_type_of(function), result, lanes_));
    out_.line("{}", ret);
    return out_.definition(fmt::format("hidden {} {}({})", result_type, name, params), ret,
                           FunctionText::Inline::never, true);
  }

 private:
  std::string type(const Function& function, ValueId value) const {
    return lane_type(module_.type(function, value).dtype, lanes_);
  }
  std::string_view result_type_of(const Function& function) const {
    return register_type(module_.types[function.results[0]].dtype);
  }

  /// Its instructions; what it returns.
  std::string body(const Function& function, std::vector<std::string> args) {
    std::unordered_map<ValueId, std::string> values;
    for (size_t i = 0; i < args.size(); ++i) values[function.params[i]] = std::move(args[i]);
    for (const Inst& inst : function.blocks[0].insts) {
      std::vector<std::string> operands;
      for (const ValueId arg : inst.args) operands.push_back(values.at(arg));
      if (inst.op == Op::ret) return operands[0];
      values[inst.result()] = instruction(function, inst, std::move(operands));
    }
    return {};
  }

  std::string instruction(const Function& function, const Inst& inst, std::vector<std::string> operands) {
    if (inst.op == Op::constant) return literal(inst.get<Scalar>());
    if (inst.op == Op::call) return body(module_.function(inst.get<ir::FuncId>()), std::move(operands));
    const std::string result = out_.fresh(function.values[inst.result().index].name);
    const DType from = module_.type(function, inst.args.back()).dtype;
    if (inst.op == Op::convert)
      write_convert(out_, result, from, module_.type(function, inst.result()).dtype, operands[0], lanes_);
    else
      write_scalar(out_, result, inst.get<ScalarOp>(), from, operands, {}, lanes_);
    return result;
  }

  FunctionText out_;
  const ir::Module& module_;
  Lanes lanes_;
};

}  // namespace

std::string lane_function(ModuleText& module_text, const ir::Module& module, ir::FuncId callee, Lanes lanes) {
  const Function& function = module.function(callee);
  std::string name = symbol(fmt::format("lanes.{}.{}", function.name, lanes.width));
  if (!module_text.has_function(name))
    module_text.add_function(
        name, LaneFunction(module_text, module, {lanes.width, lanes.width}).write(name, function));
  return name;
}

}  // namespace tenon::backend
