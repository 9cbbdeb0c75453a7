// The verifier of modules; functions are verify_function.cpp's.
#include "ir/verify.h"

#include <fmt/format.h>

#include <unordered_set>

#include "ir/dominators.h"
#include "ir/prepared.h"
#include "ir/verify_function.h"

namespace tenon::ir {

namespace {

/// Every cycle of calls has a function that is marked: the mark is what bounds its depth.
void verify_recursion(const Module& module, std::vector<Violation>& found) {
  // Node 0 calls all unmarked functions; node f + 1 is function f.
  std::vector<Arc> arcs;
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    const Function& function = module.functions[f];
    if (function.recursive) continue;
    arcs.push_back({0, f + 1});
    for_each_callee(function, [&](FuncId callee) {
      if (!module.function(callee).recursive) arcs.push_back({f + 1, callee.index + 1});
    });
  }
  const Graph calls(module.functions.size() + 1, arcs);
  const std::vector<uint32_t> order = reverse_postorder(calls);
  std::vector<uint32_t> rank(calls.size());
  for (uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  for (const uint32_t caller : order) {
    for (const uint32_t callee : calls[caller]) {
      if (rank[callee] > rank[caller] || found.size() >= kMaxViolations) continue;
      const Function& function = module.functions[callee - 1];
      found.push_back({fmt::format("@{}", function.name),
                       "the function can reach itself, but is not marked recursive",
                       function.span});
    }
  }
}

/// The last parameters are what the function gives that prepares them.
void verify_prepared(const Module& module, const Function& function, std::vector<Violation>& found) {
  if (!function.prepared) return;
  const FuncId from = preparing(module, function);
  bool agree = from && *function.prepared <= function.params.size() &&
               module.function(from).results.size() == *function.prepared;
  for (size_t i = 0; agree && i < *function.prepared; ++i) {
    const ValueId param = function.params[function.params.size() - *function.prepared + i];
    agree = function.value(param).type == module.function(from).results[i];
  }
  if (agree) return;
  found.push_back({fmt::format("@{}", function.name),
                   fmt::format("its prepared parameters are not what a function gives that is exported as `{}`",
                               preparing_name(function.exported)),
                   function.span});
}

}  // namespace

std::vector<Violation> verify(const Module& module) {
  std::vector<Violation> found;
  std::unordered_set<std::string_view> names, exported;
  std::vector<FunctionVerifier> functions;
  for (const Function& function : module.functions) {
    if (!names.insert(function.name).second)
      found.push_back(
          {fmt::format("@{}", function.name), "two functions have this name", function.span});
    if (!function.exported.empty() && !exported.insert(function.exported).second)
      found.push_back({fmt::format("@{}", function.name),
                       fmt::format("another function is exported as `{}` too", function.exported),
                       function.span});
    functions.emplace_back(module, function, found);
  }
  for (const Function& function : module.functions) verify_prepared(module, function, found);
  if (module.main != module.find("main"))
    found.push_back({"the module", "its main is not the function of that name", {}});
  for (FunctionVerifier& function : functions) function.structure();
  if (!found.empty()) return found;
  for (FunctionVerifier& function : functions) function.types_and_dominance();
  if (found.empty()) verify_recursion(module, found);
  return found;
}

}  // namespace tenon::ir
