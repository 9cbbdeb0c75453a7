#include "ir/prepared.h"

namespace tenon::ir {

std::string preparing_name(std::string_view exported) {
  return std::string(exported) + "_prepare";
}

FuncId preparing(const Module& module, const Function& function) {
  const std::string name = preparing_name(function.exported);
  for (uint32_t f = 0; function.prepared && f < module.functions.size(); ++f)
    if (module.functions[f].exported == name) return {f};
  return {};
}

FuncId prepared_for(const Module& module, const Function& function) {
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    const Function& other = module.functions[f];
    if (other.prepared && function.exported == preparing_name(other.exported)) return {f};
  }
  return {};
}

namespace {

/// `layer.bound`, or with a number behind it.
std::string fresh_function_name(const Module& module, const std::string& name) {
  std::string fresh = name;
  for (int number = 2; module.find(fresh); ++number) fresh = name + std::to_string(number);
  return fresh;
}

Function function_beside(const Function& function, std::string name) {
  Function made;
  made.name = std::move(name), made.exported = function.exported, made.span = function.span;
  return made;
}

ValueId add_param(Function& to, const Value& like) {
  to.params.push_back(to.add_value(like.type, like.name));
  return to.params.back();
}

Function preparing_function(const Function& function, const std::vector<bool>& constant, std::string name) {
  Function made = function_beside(function, std::move(name));
  made.exported = preparing_name(function.exported);
  const BlockId entry = made.add_block("entry");
  Inst end{Op::ret, {}, {}, {}, function.span};
  for (size_t i = 0; i < constant.size(); ++i) {
    if (!constant[i]) continue;
    const Value& param = function.value(function.params[i]);
    end.args.push_back(add_param(made, param));
    made.results.push_back(param.type);
  }
  made.block(entry).insts.push_back(std::move(end));
  return made;
}

/// Calls the function itself; its own parameters have the constant ones last.
Function bound_function(const Function& function, FuncId id, const std::vector<bool>& constant, std::string name) {
  Function made = function_beside(function, std::move(name));
  made.pure = function.pure;
  made.results = function.results;
  made.prepared = 0;
  Inst call{Op::call, {}, {}, id, function.span}, end{Op::ret, {}, {}, {}, function.span};
  call.args.resize(constant.size());
  for (const bool last : {false, true}) {
    for (size_t i = 0; i < constant.size(); ++i) {
      if (constant[i] != last) continue;
      call.args[i] = add_param(made, function.value(function.params[i]));
      if (last) ++*made.prepared;
    }
  }
  for (const TypeId type : function.results) end.args.push_back(made.add_value(type, "result"));
  call.results = end.args;
  Block& entry = made.block(made.add_block("entry"));
  entry.insts = {std::move(call), std::move(end)};
  return made;
}

}  // namespace

void bind_constants(Module& module, FuncId id, const std::vector<bool>& constant) {
  const Function& function = module.function(id);
  const std::string bound = fresh_function_name(module, function.name + ".bound"),
                    prepare = fresh_function_name(module, function.name + ".prepare");
  Function first = preparing_function(function, constant, prepare),
           second = bound_function(function, id, constant, bound);
  module.function(id).exported.clear();
  module.functions.push_back(std::move(first));
  module.functions.push_back(std::move(second));
}

}  // namespace tenon::ir
