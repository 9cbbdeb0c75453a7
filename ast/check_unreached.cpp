// What main does not reach: functions that leave no parameter open, as if somebody called them; of those that
// do, the ones with a schedule for a few sizes, as a nest has to be there for its schedule to be tried.
#include <algorithm>

#include "ast/function_checker.h"

namespace tenon::ast {

namespace {

/// For all dimensions at once: one that loops are written out for, one that nothing divides, the side of a
/// matrix unit, one that is larger than any tile.
constexpr int64_t kSampleSizes[] = {4, 7, 16, 256};

bool has_schedule(const Function& function) {
  bool found = false;
  const std::function<void(const Expr&)> ignore = [](const Expr&) {};
  const std::function<void(const Stmt&)> look = [&](const Stmt& stmt) {
    const auto* let = std::get_if<Let>(&stmt.node);
    found |= let && let->schedule;
    for_each_child(stmt, ignore, look);
  };
  for (const Stmt& stmt : function.body) look(stmt);
  return found;
}

}  // namespace

Unreached ProgramChecker::check_unreached() {
  std::set<const FunctionInfo*> reached;
  for (const Instance& instance : instances_) reached.insert(instance.info);
  forget_instances(0);
  Unreached unreached;
  std::vector<const FunctionInfo*> open;
  for (const FunctionInfo* info : in_source_order(user_)) {
    if (reached.contains(info)) continue;
    if (const auto parameters = decide(*info, {})) enter(*info, *parameters, diagnostics_);
    else if (has_schedule(*info->tree)) open.push_back(info);
  }
  check_instances(0, diagnostics_);
  unreached.closed = finish_program();
  if (open.empty()) return unreached;
  for (size_t i = 0; i < std::size(kSampleSizes); ++i) unreached.samples.push_back(check_at(open, i));
  return unreached;
}

std::optional<Substitution> ProgramChecker::decide(const FunctionInfo& info, Substitution given) {
  const Function& f = *info.tree;
  Diagnostics silent;
  typed::Function scratch;
  FunctionChecker checker(*this, nullptr, {}, false, false, scratch, silent);
  FunctionChecker::Inference inference{f.name, f.parameters, info.in_prelude, "parameter"};
  inference.found = std::move(given);
  if (!checker.finish(inference, f.name.span)) return std::nullopt;
  return inference.found;
}

/// Sample number `number` of each function. Whoever calls one of them knows better than we what it is for, so
/// that what is wrong with a sample is not reported.
typed::Program ProgramChecker::check_at(const std::vector<const FunctionInfo*>& functions, size_t number) {
  constexpr size_t kRank = 1;
  for (const FunctionInfo* info : functions) {
    Substitution given = sample(info->tree->parameters, number, kRank,
                                [&](const std::string&) { return Extent(kSampleSizes[number]); });
    for (const Parameter& p : info->tree->parameters)
      if (p.fallback) given.dimensions.erase(p.name.text);
    const size_t before = instances_.size();
    Diagnostics silent;
    if (const auto parameters = decide(*info, std::move(given))) enter(*info, *parameters, silent);
    check_instances(before, silent);
    if (silent.any()) forget_instances(before);
  }
  return finish_program();
}

void ProgramChecker::enter(const FunctionInfo& info, const Substitution& parameters, Diagnostics& found) {
  typed::Function* entry = instantiate(info, parameters, info.tree->name.span, found);
  if (entry) entry->exported = fmt::format("{}_{}", entry->name, entry->span.file);  // imports may have a main
}

/// All from number `first` on: nobody before them has asked for one of these.
void ProgramChecker::forget_instances(size_t first) {
  for (size_t i = first; i < instances_.size(); ++i) by_key_.erase(instances_[i].key);
  instances_.erase(instances_.begin() + static_cast<std::ptrdiff_t>(first), instances_.end());
  program_.functions.resize(std::min(first, program_.functions.size()));
}

/// Hands over what is instantiated; the next program begins with nothing.
typed::Program ProgramChecker::finish_program() {
  typed::Program program = std::exchange(program_, {});
  forget_instances(0);
  return program;
}

}  // namespace tenon::ast
