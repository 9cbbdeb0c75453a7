#include "driver/check_schedules.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "driver/ir_module.h"
#include "driver/optimize.h"
#include "opt/gpu_schedule.h"
#include "opt/loops/choose.h"
#include "opt/pipelines.h"

namespace tenon::driver {
namespace {

using ast::typed::Program;
using lexer::Diagnostics;
using lexer::Span;
using Asks = std::function<bool(const ir::Schedule&)>;

bool any_schedule(const std::vector<ast::typed::Stmt>& stmts, const Asks& asks) {
  return std::ranges::any_of(stmts, [&](const ast::typed::Stmt& stmt) {
    if (const auto* define = std::get_if<ast::typed::Define>(&stmt.node))
      return define->schedule.has_value() && asks(define->schedule->directives);
    if (const auto* branch = std::get_if<ast::typed::If>(&stmt.node))
      return any_schedule(branch->then, asks) || any_schedule(branch->otherwise, asks);
    if (const auto* loop = std::get_if<ast::typed::While>(&stmt.node)) return any_schedule(loop->body, asks);
    if (const auto* loop = std::get_if<ast::typed::For>(&stmt.node)) return any_schedule(loop->body, asks);
    return false;
  });
}

bool any_schedule(const Program& program, const Asks& asks) {
  return std::ranges::any_of(program.schedules, [&](const auto& placed) { return asks(placed.directives); }) ||
         std::ranges::any_of(program.functions,
                             [&](const auto& function) { return any_schedule(function->body, asks); });
}

/// Of a processor, and where a schedule is for a GPU of that. Nests are what passes make of definitions: so these run,
/// as for `tenon run`. A schedule that several nests refuse, copies of a function's, is reported once.
Diagnostics refusals(Session& session, Program program) {
  Diagnostics found;
  if (!any_schedule(program, [](const ir::Schedule&) { return true; })) return found;
  const bool for_gpu = any_schedule(program, opt::is_for_gpu);
  const Options& o = session.options;
  const auto report = [&](const opt::Refused& refused) {
    found.report(lexer::Diag::schedule_refused, refused.span, refused.reason);
  };
  const auto look = [&](ir::Module module, const std::string& passes, opt::loops::Mode mode) {
    try {
      optimize_or_refuse(session, module, passes);
      std::ranges::for_each(opt::loops::refusals(module, mode), report);
    } catch (const opt::Refused& refused) {
      report(refused);
    }
  };
  const ir::Module module = lower_checked(session, std::move(program), found);
  opt::loops::Mode mode{.strict = o.strict};
  look(module, opt::pipeline(o.level, opt::cpu_passes()), mode);
  mode.gpu = true;
  mode.capability = opt::loops::capability_of(o.gpu_arch);
  mode.tf32 = o.tf32;
  if (for_gpu) look(module, opt::pipeline(o.level, opt::gpu_passes()), mode);
  return found;
}

/// What is refused of an open function, sample by sample.
struct Tries {
  Span function;
  struct Try { std::string name; std::vector<lexer::Diagnostic> refused; };
  std::vector<Try> all = {};
};
using ByPlace = std::map<std::pair<uint32_t, uint32_t>, Tries>;

ByPlace try_samples(Session& session, std::vector<Program> samples) {
  ByPlace tries;
  for (Program& sample : samples) {
    for (const auto& function : sample.functions) {
      if (function->exported.empty()) continue;
      const Span span = function->span;
      auto& [place, tried] = *tries.try_emplace({span.file, span.begin}, Tries{span}).first;
      tried.all.push_back({function->text(), {}});
    }
    const Diagnostics refused = refusals(session, std::move(sample));
    for (const lexer::Diagnostic& d : refused.all()) {
      const auto behind = tries.upper_bound({d.span.file, d.span.begin});
      if (behind == tries.begin()) continue;
      auto& [function, all] = std::prev(behind)->second;
      if (d.span.file == function.file && d.span.end <= function.end) all.back().refused.push_back(d);
    }
  }
  return tries;
}

/// Adds what every sample refuses: an open function may be for callers whose sizes allow what others do not.
void report_agreed(const ByPlace& tries, Diagnostics& diagnostics) {
  for (const auto& [place, tried] : tries) {
    for (lexer::Diagnostic d : tried.all[0].refused) {
      const bool agreed = std::ranges::all_of(tried.all, [&](const Tries::Try& each) {
        return std::ranges::count(each.refused, d.span, &lexer::Diagnostic::span) != 0;
      });
      if (!agreed) continue;
      std::string names;
      for (const Tries::Try& each : tried.all)
        names += fmt::format("{}`{}`", names.empty() ? "" : ", ", each.name);
      diagnostics.add(std::move(d.note({}, "`main` does not reach this; it was tried in " + names)));
    }
  }
}

}  // namespace

void check_schedules(Session& session, Program program, ast::Unreached unreached) {
  for (Program* each : {&program, &unreached.closed}) {
    const Diagnostics refused = refusals(session, std::move(*each));
    for (const lexer::Diagnostic& d : refused.all()) session.diagnostics.add(d);
  }
  report_agreed(try_samples(session, std::move(unreached.samples)), session.diagnostics);
  session.stop_if_wrong();
}

}  // namespace tenon::driver
