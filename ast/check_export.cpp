// The functions that a library offers: instances that nobody in the program calls. What stands in
// brackets decides their parameters, as in a call, or the parameters' defaults do.
#include "ast/function_checker.h"
#include "runtime/nearest.h"

namespace tenon::ast {

/// Those that were asked for; or all that can do without being asked how.
void ProgramChecker::instantiate_exports() {
  for (const Export& wanted : *options_.exports) instantiate_export(wanted);
  if (!options_.exports->empty()) return;
  for (const FunctionInfo* info : in_source_order(user_)) {
    const Function& f = *info->tree;
    if (f.span.file != options_.root_file.value_or(f.span.file) || f.name.text == "main") continue;
    if (const auto parameters = decide(*info, {})) export_as(f.name.text, *info, *parameters, f.name.span);
  }
  if (!program_.functions.empty()) return;
  throw BadExport{
      "no function can be offered to C as it is, for each has parameters in brackets; "
      "say what they are: --export F[N = 3]"};
}

void ProgramChecker::instantiate_export(const Export& wanted) {
  const Call& call = *wanted.call;
  const std::string& name = call.callee.text;
  const FunctionInfo* info = find_function(name, false);
  if (name == "main")
    throw BadExport{"--export main: `main` is where a program starts, which a library does not"};
  if (!info) {
    std::vector<std::string> names;
    add_function_names(names, false);
    const std::string near = runtime::nearest(name, names);
    throw BadExport{
        fmt::format("--export {}: the program has no function of that name{}", name,
                    near.empty() ? "" : fmt::format("; did you mean {}?", quoted(near)))};
  }
  typed::Function scratch;
  FunctionChecker checker(*this, nullptr, {}, false, false, scratch, diagnostics_);
  const Function& f = *info->tree;
  FunctionChecker::Inference inference{f.name, f.parameters, info->in_prelude, "parameter"};
  if (!checker.bracket_arguments(f.parameters, call.callee, call.brackets,
                                 parameters_in_call(f.parameters), inference.found))
    return;
  for (auto& [type, ignored] : inference.found.types) inference.given.insert(type);
  if (checker.finish(inference, call.callee.span))
    export_as(wanted.symbol, *info, inference.found, call.callee.span);
}

void ProgramChecker::export_as(const std::string& symbol, const FunctionInfo& info,
                               const Substitution& parameters, Span place) {
  const size_t before = program_.functions.size();
  if (!instantiate(info, parameters, place, diagnostics_)) return;
  if (program_.functions.size() == before)
    throw BadExport{fmt::format("--export {}: {} with these parameters is offered already", symbol,
                                quoted(info.tree->name.text))};
  program_.functions.back()->exported = symbol;
}

}  // namespace tenon::ast
