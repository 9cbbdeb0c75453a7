#include "driver/optimize.h"

#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <stdexcept>

#include "driver/reproducer.h"
#include "ir/text.h"
#include "opt/pipelines.h"

namespace tenon::driver {

opt::loops::Machine machine_of(const Options& options) {
  if (options.target == "loops") return opt::loops::kSimulated;
  const opt::loops::NamedMachine* named = opt::loops::find_machine(options.cpu);
  return named != nullptr ? named->machine : opt::loops::host();
}

namespace {

opt::PipelineOptions pipeline_options(Session& session) {
  const Options& o = session.options;
  opt::PipelineOptions options;
  options.strict = o.strict;
  options.machine = machine_of(o);
  options.verify_each = o.verify_each;
  options.print_changed = o.print_changed;
  options.print_before = o.print_before;
  options.print_after = o.print_after;
  options.stop_after = o.stop_after;
  options.bisect = o.bisect;
  options.stats = o.stats;
  options.log = &std::cerr;
  options.on_time = [&session](std::string_view pass, double ms) {
    session.add_time("pass " + std::string(pass), ms);
  };
  return options;
}

/// How `tenon opt` goes on from a pass of the list.
Reproducer reproducer_of(const Options& o, const ir::Module& module,
                         std::span<const opt::PassRow* const> list) {
  std::vector<std::string> names, options;
  for (const opt::PassRow* pass : list) names.emplace_back(pass->name);
  if (o.strict) options.push_back("--strict");
  if (o.cpu != "host") options.push_back("--cpu=" + o.cpu);
  if (o.verify_each) options.push_back("--verify-each");
  if (o.bisect >= 0) options.push_back(fmt::format("--bisect={}", o.bisect));
  return Reproducer(ir::print(module), std::move(names), std::move(options), o.bisect < 0);
}

}  // namespace

void stop_as_refused(Session& session, const opt::Refused& refused) {
  session.diagnostics.report(lexer::Diag::schedule_refused, refused.span, refused.reason);
  session.stop_if_wrong();
  throw Exit{kProgramWrong};
}

void optimize_or_refuse(Session& session, ir::Module& module, std::string_view passes) {
  session.phase = "optimizing";
  try {
    if (session.options.bisect_auto) bisect(session, module, passes);
    const std::vector<const opt::PassRow*> list = opt::parse_pipeline(passes);
    const auto reproducer =
        std::make_shared<Reproducer>(reproducer_of(session.options, module, list));
    session.after_crash = [reproducer] { reproducer->leave(); };
    opt::PipelineOptions options = pipeline_options(session);
    options.progress = &reproducer->progress;
    opt::run_passes(module, list, options);
    session.after_crash = nullptr;
  } catch (const opt::Refused&) {
    session.after_crash = nullptr;
    throw;
  } catch (const opt::BadPipeline& e) {
    throw UsageError{e.message};
  } catch (const opt::BrokenIr& e) {
    throw std::logic_error("pass " + e.pass + " broke the IR: " + e.violations[0].message +
                           ", in " + e.violations[0].where);
  }
}

void optimize(Session& session, ir::Module& module, std::string_view passes) {
  with_schedules(session, [&] { optimize_or_refuse(session, module, passes); });
}

}  // namespace tenon::driver
