#include "driver/check_schedules.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "driver/ir_module.h"
#include "driver/optimize.h"
#include "opt/loops/choose.h"
#include "opt/pipelines.h"

namespace tenon::driver {
namespace {

using Place = std::tuple<uint32_t, uint32_t, uint32_t>;

bool has_schedule(const std::vector<ast::typed::Stmt>& stmts) {
  return std::ranges::any_of(stmts, [](const ast::typed::Stmt& stmt) {
    if (const auto* define = std::get_if<ast::typed::Define>(&stmt.node))
      return define->schedule.has_value();
    if (const auto* branch = std::get_if<ast::typed::If>(&stmt.node))
      return has_schedule(branch->then) || has_schedule(branch->otherwise);
    if (const auto* loop = std::get_if<ast::typed::While>(&stmt.node)) return has_schedule(loop->body);
    if (const auto* loop = std::get_if<ast::typed::For>(&stmt.node)) return has_schedule(loop->body);
    return false;
  });
}

bool has_schedule(const ast::typed::Program& program) {
  return !program.schedules.empty() ||
         std::ranges::any_of(program.functions,
                             [](const auto& function) { return has_schedule(function->body); });
}

}  // namespace

/// Nests are what passes make of definitions: so these run, as for `tenon run`. A schedule that several
/// nests refuse, copies of a function's, is reported once.
void check_schedules(Session& session, ast::typed::Program program) {
  if (!has_schedule(program)) return;
  ir::Module module = lower_checked(session, std::move(program));
  optimize(session, module, opt::pipeline(session.options.level));
  std::set<Place> seen;
  for (const opt::Refused& refused : opt::loops::refusals(module, {.strict = session.options.strict})) {
    const lexer::Span& span = refused.span;
    if (seen.emplace(span.file, span.begin, span.end).second && !session.diagnostics.full())
      session.diagnostics.report(lexer::Diag::schedule_refused, span, refused.reason);
  }
  session.stop_if_wrong();
}

}  // namespace tenon::driver
