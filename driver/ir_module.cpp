#include "driver/ir_module.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>

#include "ast/schedule_path.h"
#include "driver/constants.h"
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

namespace {

using ast::typed::PlacedSchedule;

std::string passes_of(const Options& o) {
  if (o.passes) return *o.passes;
  const bool on_gpu =
      o.target == "gpu" || o.target == "sim" || (o.target == "loops" && !o.gpu_arch.empty());
  if (on_gpu) return opt::pipeline(o.level, opt::gpu_passes());
  const bool by_nests = o.target == "cpu" || o.target == "loops";
  return by_nests ? opt::pipeline(o.level, opt::cpu_passes()) : opt::pipeline(o.level);
}

std::string path_of(const PlacedSchedule& schedule) {
  std::string path;
  for (const ast::Name& word : schedule.path) path += (path.empty() ? "" : ".") + word.text;
  return path;
}

/// The paths of the nests that passes leave.
std::set<std::string> paths_behind_passes(const Session& session, ir::Module module) {
  const Options& o = session.options;
  opt::PipelineOptions quietly;
  quietly.strict = o.strict;
  quietly.machine = machine_of(o);
  std::set<std::string> paths;
  try {
    opt::run_passes(module, opt::parse_pipeline(passes_of(o)), quietly);
  } catch (const opt::Refused&) {      // that, and what is wrong with the pipeline,
  } catch (const opt::BadPipeline&) {  // optimize() will say
  }
  for (const ir::Function& function : module.functions)
    for (const ir::Block& block : function.blocks)
      for (const ir::Inst& inst : block.insts)
        if (inst.op == ir::Op::compute) paths.insert(inst.path);
  return paths;
}

/// Takes out of `program.schedules` those whose paths nests have when the passes are done, as `emit
/// schedule` prints them: they are for these as they are, so that what is printed makes the same nests
/// again. With the others, definitions go through the passes, to have loops of their own there.
std::map<std::string, ir::Schedule> take_late(const Session& session, ast::typed::Program& program) {
  std::vector<PlacedSchedule> late = std::move(program.schedules);
  program.schedules.clear();
  const auto keep_early = [&](const auto& is_early) {
    const auto early = std::ranges::stable_partition(late, std::not_fn(is_early));
    const bool any = !early.empty();
    program.schedules.insert(program.schedules.end(), early.begin(), early.end());
    late.erase(early.begin(), early.end());
    return any;
  };
  keep_early([](const PlacedSchedule& schedule) {  // what passes do, not nests
    return std::ranges::any_of(schedule.directives, [](const ir::Directive& directive) {
      return directive.kind == ir::DirectiveKind::inline_ || directive.kind == ir::DirectiveKind::at_;
    });
  });
  // Each of the others may put a nest elsewhere that one of these was for.
  for (bool changed = true; changed && !late.empty();) {
    const std::set<std::string> paths = paths_behind_passes(session, ir::lower(program));
    changed = keep_early([&](const PlacedSchedule& schedule) { return !paths.contains(path_of(schedule)); });
  }
  std::map<std::string, ir::Schedule> by_path;
  for (PlacedSchedule& schedule : late) by_path[path_of(schedule)] = std::move(schedule.directives);
  return by_path;
}

}  // namespace

ir::Module lower_checked(Session& session, ast::typed::Program program, lexer::Diagnostics& lost) {
  std::map<std::string, ir::Schedule> late;
  if (!program.schedules.empty())
    late = session.timed("finding what schedules are for", [&] { return take_late(session, program); });
  std::vector<const PlacedSchedule*> unplaced;
  ir::Module module = session.timed("lowering to SSA", [&] { return ir::lower(program, &unplaced); });
  module.schedules = std::move(late);
  for (const PlacedSchedule* schedule : unplaced) ast::typed::report_lost(program, *schedule, lost);
  session.phase = "verifying what lowering made";
  for (const ir::Violation& v : ir::verify(module))
    throw std::logic_error(v.message + ", in " + v.where);
  return module;
}

ir::Module lower_checked(Session& session, ast::typed::Program program) {
  ir::Module module = lower_checked(session, std::move(program), session.diagnostics);
  session.stop_if_wrong();
  return module;
}

ir::Module load_module(Session& session) {
  if (session.options.file.ends_with(".ir")) {
    if (!session.options.schedule.empty())
      throw UsageError{"--schedule goes by the definitions of a program; IR text carries its own schedules"};
    if (!session.options.exports.empty())
      throw UsageError{"--export picks functions of a program; IR text says itself what is exported"};
    if (!session.options.constants.empty())
      throw UsageError{"--constant picks parameters of a program's functions; IR text says itself which are prepared"};
    return parse_ir(session);
  }
  ir::Module module = lower_checked(session, check_program(session));
  bind_constants(session, module);
  return module;
}

ir::Module load_optimized(Session& session) {
  ir::Module module = load_module(session);
  optimize(session, module, passes_of(session.options));
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
