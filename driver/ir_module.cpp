#include "driver/ir_module.h"

#include <fmt/format.h>

#include <stdexcept>

#include "ast/schedule_path.h"
#include "driver/frontend.h"
#include "driver/optimize.h"
#include "ir/lower.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "opt/pipelines.h"

namespace tenon::driver {

ir::Module parse_ir(Session& session) {
  uint32_t file = session.open(session.options.file);
  ir::Module module = session.timed(
      "reading IR", [&] { return ir::parse(session.sources, file, session.diagnostics); });
  session.stop_if_wrong();
  for (const ir::Violation& v : ir::verify(module)) {
    if (session.diagnostics.full()) break;
    session.diagnostics.report(lexer::Diag::ir_invalid, v.span, v.message).note({}, v.where);
  }
  session.stop_if_wrong();
  return module;
}

ir::Module load_module(Session& session) {
  if (session.options.file.ends_with(".ir")) {
    if (!session.options.schedule.empty())
      throw UsageError{"--schedule goes by the definitions of a program; IR text carries its own schedules"};
    if (!session.options.exports.empty())
      throw UsageError{"--export picks functions of a program; IR text says itself what is exported"};
    return parse_ir(session);
  }
  ast::typed::Program program = check_program(session);
  std::vector<const ast::typed::PlacedSchedule*> lost;
  ir::Module module = session.timed("lowering to SSA", [&] { return ir::lower(program, &lost); });
  for (const ast::typed::PlacedSchedule* schedule : lost)
    ast::typed::report_lost(program, *schedule, session.diagnostics);
  session.stop_if_wrong();
  session.phase = "verifying what lowering made";
  for (const ir::Violation& v : ir::verify(module))
    throw std::logic_error(v.message + ", in " + v.where);
  return module;
}

ir::Module load_optimized(Session& session) {
  ir::Module module = load_module(session);
  const Options& o = session.options;
  const bool on_gpu =
      o.target == "gpu" || o.target == "sim" || (o.target == "loops" && !o.gpu_arch.empty());
  optimize(session, module,
           o.passes ? *o.passes : on_gpu ? opt::gpu_pipeline(o.level) : opt::pipeline(o.level));
  return module;
}

ir::Module load_owned(Session& session) {
  const Options& o = session.options;
  ir::Module module = load_optimized(session);
  if (!o.stop_after.empty() && o.stop_after != "own")
    throw UsageError{"--stop-after leaves out `own`, without which the backend cannot go on"};
  if (!o.passes) return module;
  const std::vector<const opt::PassRow*> list = opt::parse_pipeline(*o.passes);
  if (!list.empty() && list.back()->name == "own") return module;
  throw UsageError{fmt::format(
      "--passes={}: for the backend `own` has to be the last pass, which says who owns a tensor",
      *o.passes)};
}

}  // namespace tenon::driver
