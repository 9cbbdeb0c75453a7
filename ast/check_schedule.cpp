// Schedules: known directives, in their form, about loops that are there. Whether a nest allows them is
// seen when it has become one (opt/loops).
#include <algorithm>

#include "ast/function_checker.h"

namespace tenon::ast {

namespace {

/// The names of loops that a definition has: its indices, and those of reductions in it.
typed::LoopNames loops_of(const Let& let) {
  std::map<std::string, std::vector<Span>> places;
  auto add = [&](const std::vector<IndexBinding>& indices) {
    for (const IndexBinding& i : indices) places[i.name.text].push_back(i.name.span);
  };
  if (let.indices) add(*let.indices);
  std::function<void(const Expr&)> visit = [&](const Expr& e) {
    if (auto* reduce = std::get_if<Reduce>(&e.node)) add(reduce->indices);
    for_each_child(e, visit);
  };
  visit(*let.value);
  typed::LoopNames loops;
  for (auto& [name, bound] : places) {
    if (bound.size() == 1) loops.present.insert(name);
    else loops.shared[name] = std::move(bound);
  }
  return loops;
}

bool calls(const Expr& value, const std::string& function) {
  bool found = false;
  std::function<void(const Expr&)> visit = [&](const Expr& e) {
    const auto* call = std::get_if<Call>(&e.node);
    found |= call && call->callee.text == function;
    for_each_child(e, visit);
  };
  visit(value);
  return found;
}

/// The first definition over indices in a function; empty if there is none.
std::string index_definition_in(const Function& function) {
  std::string found;
  const std::function<void(const Expr&)> ignore = [](const Expr&) {};
  const std::function<void(const Stmt&)> look = [&](const Stmt& stmt) {
    const auto* let = std::get_if<Let>(&stmt.node);
    if (found.empty() && let && let->indices) found = let->name.text;
    for_each_child(stmt, ignore, look);
  };
  for (const Stmt& stmt : function.body) look(stmt);
  return found;
}

}  // namespace

typed::PlacedSchedule FunctionChecker::check_schedule(const Let& let) {
  const Schedule& schedule = *let.schedule;
  if (!let.indices && schedule.path.empty()) {
    report(Diag::schedule_directive, schedule.span, "only an index definition has loops to schedule")
        .hint(scheduled_inside(*let.value).value_or(fmt::format(
            "write it over indices, as in {}", quoted(fmt::format("let {}[i] = …", let.name.text)))));
    return {};
  }
  if (!schedule.path.empty() && !calls(*let.value, schedule.path[0].text)) {
    report(Diag::schedule_directive, schedule.path[0].span,
           fmt::format("{} does not call {}", quoted(let.name.text), quoted(schedule.path[0].text)))
        .hint("the path begins with a function that the definition calls");
    return {};
  }
  typed::LoopNames loops = loops_of(let);
  return check_schedule(schedule, schedule.path.empty() ? &loops : nullptr);
}

/// How to reach a definition that `value` calls; nothing if there is none.
std::optional<std::string> FunctionChecker::scheduled_inside(const Expr& value) const {
  std::optional<std::string> hint;
  std::function<void(const Expr&)> visit = [&](const Expr& e) {
    const auto* call = std::get_if<Call>(&e.node);
    const FunctionInfo* callee = call ? program_.find_function(call->callee.text, in_prelude_) : nullptr;
    const std::string inside = callee ? index_definition_in(*callee->tree) : "";
    if (!hint && !inside.empty())
      hint = fmt::format("name a definition inside the call by its path: `schedule {}.{} {{ … }}`",
                         call->callee.text, inside);
    for_each_child(e, visit);
  };
  visit(value);
  return hint;
}

typed::PlacedSchedule FunctionChecker::check_schedule(const Schedule& schedule, typed::LoopNames* loops) {
  typed::PlacedSchedule checked{schedule.path, {}, schedule.span};
  for (const Directive& directive : schedule.directives) {
    auto row = std::ranges::find(typed::kDirectives, directive.name.text, &typed::DirectiveRow::name);
    if (row == std::end(typed::kDirectives)) {
      std::vector<std::string> names;
      for (const typed::DirectiveRow& known : typed::kDirectives) names.emplace_back(known.name);
      auto& d = report(Diag::schedule_directive, directive.name.span,
                       fmt::format("there is no directive {}", quoted(directive.name.text)));
      suggest(d, directive.name.text, directive.name.span, names);
      continue;
    }
    typed::DirectiveMatch match(directive, *row, loops);
    if (auto mistake = match.run()) {
      report_directive(*mistake, *row, loops);
      continue;
    }
    checked.directives.push_back(match.result());
    if (match.factor()) checked.directives.back().factor = check_factor(*match.factor());
  }
  return checked;
}

void FunctionChecker::report_directive(const typed::DirectiveMatch::Mistake& mistake,
                                       const typed::DirectiveRow& row, const typed::LoopNames* loops) {
  auto& d = report(Diag::schedule_directive, mistake.span, mistake.what);
  d.notes = mistake.notes;
  if (mistake.in_form) d.hint(fmt::format("it is written `{}`", typed::form_of(row)));
  if (mistake.unknown.empty()) return;
  const std::vector<std::string> known(loops->present.begin(), loops->present.end());
  if (known.empty()) return;
  suggest(d, mistake.unknown, mistake.span, known);
  if (d.hints.empty()) d.hint(fmt::format("the loops here are `{}`", fmt::join(known, "`, `")));
}

/// 0 where it is not known yet, or wrong.
int64_t FunctionChecker::check_factor(const DirectiveWord& factor) {
  const Expr name{factor.span, 1, NameRef{factor.name}};
  auto value = extent(factor.factor ? *factor.factor : name);
  auto number = value ? value->constant() : std::nullopt;
  if (number && *number < 1) {
    report(Diag::schedule_directive, factor.span, "a factor is at least 1");
    return 0;
  }
  return number.value_or(0);
}

}  // namespace tenon::ast
