#include "ir/operands.h"

#include <algorithm>

namespace tenon::ir {
namespace {

/// Where the number begins that a name ends with.
size_t number_at(std::string_view name) {
  const size_t last = name.find_last_not_of("0123456789");
  return last == name.npos ? 0 : last + 1;
}

}  // namespace

void rename_operands(Schedule& schedule, const std::map<std::string, std::string>& names) {
  std::map<std::string, std::string> copied;  // operands whose copies have loops called after them
  for (Directive& directive : schedule) {
    for (std::string& loop : directive.loops) {
      // `x1` with the number 2 behind it is the loop `x12`; so all ways to cut it are looked at.
      for (size_t cut = number_at(loop); cut < loop.size(); ++cut) {
        const auto found = copied.find(loop.substr(0, cut));
        if (found == copied.end()) continue;
        loop = found->second + loop.substr(cut);
        break;
      }
    }
    const auto found = names.find(directive.operand);
    if (directive.operand.empty() || found == names.end()) continue;
    copied.insert(*found);
    directive.operand = found->second;
  }
}

void resolve_operands(const Function& function, Compute& compute) {
  if (!compute.schedule) return;
  std::map<std::string, std::string> names;
  for (const Directive& directive : *compute.schedule) {
    if (directive.operand.empty()) continue;
    std::string near;
    bool exact = false;
    for_each_node(function.exprs, compute.bodies, [&](ExprId id) {
      const Expr& node = function.exprs[id];
      if (node.kind != ExprKind::read) return;
      const std::string& name = function.value(node.value).name;
      exact |= name == directive.operand;
      const bool is_numbered = name.starts_with(directive.operand) &&
                               number_at(name) <= directive.operand.size();
      if (is_numbered) near = name;
    });
    if (!exact && !near.empty()) names.emplace(directive.operand, near);
  }
  rename_operands(*compute.schedule, names);
}

}  // namespace tenon::ir
