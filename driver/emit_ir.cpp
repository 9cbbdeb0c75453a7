#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/ir_module.h"
#include "driver/picture.h"
#include "ir/dot.h"
#include "ir/text.h"
#include "runtime/nearest.h"

namespace tenon::driver {

namespace {

/// The function of --function; none if that is not given.
ir::FuncId wanted_function(const Session& session, const ir::Module& module) {
  std::string name = session.options.function;
  if (name.empty()) return {};
  if (name[0] == '@') name.erase(0, 1);
  if (const ir::FuncId found = module.find(name)) return found;
  std::vector<std::string> names;
  for (const ir::Function& function : module.functions) names.push_back(function.name);
  const std::string near = runtime::nearest(name, names);
  throw UsageError{fmt::format("--function {}: the module has no function of that name{}", name,
                               near.empty() ? "" : fmt::format("; did you mean `{}`?", near))};
}

ir::Picture wanted_picture(const Session& session) {
  const std::string name = picture_name(session.options);
  if (name == "dominators") return ir::Picture::dominators;
  if (name == "dataflow") return ir::Picture::data_flow;
  return ir::Picture::control_flow;
}

/// The module as text, or its picture; of one function where --function names it.
std::string show(const Session& session, const ir::Module& module) {
  const ir::FuncId only = wanted_function(session, module);
  if (wants_picture(session.options))
    return finish_picture(session.options, ir::dot(module, wanted_picture(session), only));
  return only ? ir::print(module, module.function(only)) : ir::print(module);
}

}  // namespace

std::string emit_ir(Session& session) {
  return show(session, load_module(session));
}

std::string emit_opt_ir(Session& session) {
  return show(session, load_optimized(session));
}

}  // namespace tenon::driver
