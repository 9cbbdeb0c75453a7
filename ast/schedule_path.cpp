#include "ast/schedule_path.h"

#include <fmt/format.h>

#include <functional>
#include <set>

#include "runtime/nearest.h"

namespace tenon::ast::typed {
namespace {

using lexer::Diag;
using Functions = std::set<const Function*>;

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

void report_unknown(const Name& word, std::string_view what, const std::set<std::string>& known,
                    lexer::Diagnostics& diagnostics) {
  auto& d = diagnostics.report(Diag::schedule_directive, word.span,
                               fmt::format("there is no {}", what));
  const std::string near = runtime::nearest(word.text, {known.begin(), known.end()});
  if (!near.empty()) d.hint(fmt::format("did you mean `{}`?", near));
}

}  // namespace

void report_lost(const Program& program, const PlacedSchedule& schedule,
                 lexer::Diagnostics& diagnostics) {
  const std::vector<Name>& path = schedule.path;
  if (path.empty()) {
    diagnostics.report(Diag::schedule_refused, schedule.span,
                       "the elements are computed one by one, as one that fails has to come in its turn: "
                       "there is no nest of loops");
    return;
  }
  Functions present;
  std::set<std::string> functions;
  for (const auto& function : program.functions) {
    functions.insert(function->name);
    if (function->name == path[0].text) present.insert(function.get());
  }
  if (present.empty()) return report_unknown(path[0], fmt::format("function `{}`", path[0].text), functions, diagnostics);
  for (size_t word = 1; word < path.size(); ++word) {
    Functions callees;
    std::set<std::string> names;
    present = with_nameless(std::move(present), word > 1);
    for (const Function* function : present)
      for_each_define(function->body, [&](const Define& define) {
        const std::string& name = function->vars[define.var].name;
        if (!name.empty()) names.insert(name);
        if (name == path[word].text) collect_callees(define.value, callees);
      });
    if (!names.contains(path[word].text))
      return report_unknown(path[word], fmt::format("definition `{}` in `{}`", path[word].text, path[word - 1].text),
                            names, diagnostics);
    present = std::move(callees);
  }
  diagnostics
      .report(Diag::schedule_directive, path.back().span,
              fmt::format("`{}` has no loops of its own", path.back().text))
      .hint("name a definition over indices, in what it calls: `f.y`");
}

}  // namespace tenon::ast::typed
