#include "ast/schedule_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "runtime/nearest.h"

namespace tenon::ast::typed {
namespace {

using lexer::Diag;
using Functions = std::set<const Function*>;

constexpr std::string_view kOneByOne =
    "the elements are computed one by one, not by a nest of loops: what one needs may fail in its turn, or takes a "
    "tensor of its own";

/// Every definition of a function, those in loops and branches too.
void for_each_define(const std::vector<Stmt>& stmts, const std::function<void(const Define&)>& visit) {
  for (const Stmt& stmt : stmts) {
    if (const auto* define = std::get_if<Define>(&stmt.node)) visit(*define);
    if (const auto* branch = std::get_if<If>(&stmt.node))
      for_each_define(branch->then, visit), for_each_define(branch->otherwise, visit);
    if (const auto* loop = std::get_if<While>(&stmt.node)) for_each_define(loop->body, visit);
    if (const auto* loop = std::get_if<For>(&stmt.node)) for_each_define(loop->body, visit);
  }
}

/// The functions that an expression calls.
void collect_callees(const Expr& e, Functions& callees) {
  const auto walk = [&](const ExprPtr& operand) {
    if (operand) collect_callees(*operand, callees);
  };
  const auto walk_all = [&](const std::vector<Expr>& operands) {
    for (const Expr& operand : operands) collect_callees(operand, callees);
  };
  std::visit(
      [&](const auto& node) {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, Apply>) walk_all(node.args);
        if constexpr (std::is_same_v<Node, Convert>) walk(node.operand);
        if constexpr (std::is_same_v<Node, IfExpr>)
          walk(node.condition), walk(node.then), walk(node.otherwise);
        if constexpr (std::is_same_v<Node, Element>)
          walk(node.tensor), walk_all(node.subscripts), walk(node.otherwise);
        if constexpr (std::is_same_v<Node, Reduce>) {
          for (const ReduceIndex& index : node.indices) walk(index.lo), walk(index.hi);
          walk(node.body);
        }
        if constexpr (std::is_same_v<Node, Call>) callees.insert(node.callee), walk_all(node.args);
        if constexpr (std::is_same_v<Node, Compute>) {
          for (const Operand& operand : node.operands) walk(operand.value);
          walk(node.body);
        }
        if constexpr (std::is_same_v<Node, Pack>) walk_all(node.elements);
        if constexpr (std::is_same_v<Node, Tuple>) walk_all(node.parts);
        if constexpr (std::is_same_v<Node, Field>) walk(node.base);
        if constexpr (std::is_same_v<Node, ScatterAdd>)
          walk(node.tensor), walk(node.ids), walk(node.values);
      },
      e.node);
}

/// The functions that what is returned calls.
void collect_returned(const std::vector<Stmt>& stmts, Functions& callees) {
  for (const Stmt& stmt : stmts) {
    if (const auto* node = std::get_if<Return>(&stmt.node); node != nullptr && node->value)
      collect_callees(*node->value, callees);
    if (const auto* branch = std::get_if<If>(&stmt.node))
      collect_returned(branch->then, callees), collect_returned(branch->otherwise, callees);
    if (const auto* loop = std::get_if<While>(&stmt.node)) collect_returned(loop->body, callees);
    if (const auto* loop = std::get_if<For>(&stmt.node)) collect_returned(loop->body, callees);
  }
}

/// Those and what they call in definitions without a name, which are no words of a path; of a function that
/// is called on the path, also what it returns.
Functions with_nameless(Functions functions, bool is_called) {
  std::vector<const Function*> todo(functions.begin(), functions.end());
  while (!todo.empty()) {
    const Function* function = todo.back();
    todo.pop_back();
    Functions callees;
    for_each_define(function->body, [&](const Define& define) {
      if (function->vars[define.var].name.empty()) collect_callees(define.value, callees);
    });
    if (is_called) collect_returned(function->body, callees);
    for (const Function* callee : callees)
      if (functions.insert(callee).second) todo.push_back(callee);
  }
  return functions;
}

bool is_index_definition(const Define& define) {
  const auto* compute = std::get_if<Compute>(&define.value.node);
  return compute != nullptr && !compute->indices.empty();
}

/// Where a path has led to.
struct Definitions {
  std::set<std::string> names;     ///< that the next word may be
  std::vector<const Define*> all;  ///< those that it is
  Functions callees;               ///< of these
};

/// `word` among the definitions of `functions`.
Definitions find_definitions(const Functions& functions, const Name& word) {
  Definitions found;
  for (const Function* function : functions)
    for_each_define(function->body, [&](const Define& define) {
      const std::string& name = function->vars[define.var].name;
      if (!name.empty()) found.names.insert(name);
      if (name != word.text) return;
      found.all.push_back(&define);
      collect_callees(define.value, found.callees);
    });
  return found;
}

void report_unknown(const Name& word, const Name& before, bool is_called, const std::set<std::string>& known,
                    lexer::Diagnostics& diagnostics) {
  const std::string owner = fmt::format("{}`{}`{}", is_called ? "what " : "", before.text, is_called ? " calls" : "");
  auto& d = diagnostics.report(Diag::schedule_directive, word.span,
                               fmt::format("there is no definition `{}` in {}", word.text, owner));
  const std::string near = runtime::nearest(word.text, {known.begin(), known.end()});
  if (!near.empty()) d.hint(fmt::format("did you mean `{}`?", near));
  else if (!known.empty()) d.hint(fmt::format("{} defines `{}`", owner, fmt::join(known, "`, `")));
}

/// A definition over indices in these functions; empty if there is none.
std::string index_definition_in(const Functions& functions) {
  std::string found;
  for (const Function* function : functions)
    for_each_define(function->body, [&](const Define& define) {
      if (found.empty() && is_index_definition(define)) found = function->vars[define.var].name;
    });
  return found;
}

/// There is such a definition, and no nest for it.
void report_no_nest(const PlacedSchedule& schedule, const Definitions& led_to, lexer::Diagnostics& diagnostics) {
  if (std::ranges::any_of(led_to.all, [](const Define* define) { return is_index_definition(*define); })) {
    diagnostics.report(Diag::schedule_refused, schedule.span, kOneByOne);
    return;
  }
  const Name& last = schedule.path.back();
  auto& d = diagnostics.report(Diag::schedule_directive, last.span,
                               fmt::format("`{}` has no loops of its own", last.text));
  const std::string inside = index_definition_in(with_nameless(led_to.callees, true));
  if (!inside.empty()) d.hint(fmt::format("name a definition over indices in what it calls: `{}.{}`", last.text, inside));
}

}  // namespace

void report_lost(const Program& program, const PlacedSchedule& schedule,
                 lexer::Diagnostics& diagnostics) {
  const std::vector<Name>& path = schedule.path;
  if (path.empty()) {
    diagnostics.report(Diag::schedule_refused, schedule.span, kOneByOne);
    return;
  }
  Definitions led_to;
  for (const auto& function : program.functions)
    if (function->name == path[0].text) led_to.callees.insert(function.get());
  if (led_to.callees.empty()) {
    diagnostics.report(Diag::schedule_directive, path[0].span, fmt::format("no call leads to `{}`", path[0].text));
    return;
  }
  for (size_t word = 1; word < path.size(); ++word) {
    const bool is_called = word > 1;
    led_to = find_definitions(with_nameless(std::move(led_to.callees), is_called), path[word]);
    if (led_to.all.empty()) return report_unknown(path[word], path[word - 1], is_called, led_to.names, diagnostics);
  }
  report_no_nest(schedule, led_to, diagnostics);
}

}  // namespace tenon::ast::typed
