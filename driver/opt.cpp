// tenon opt FILE.ir --passes=a,b: any passes over IR text, like LLVM's and MLIR's `opt`.
#include <iostream>
#include <stdexcept>

#include "driver/commands.h"
#include "driver/ir_module.h"
#include "driver/output.h"
#include "ir/text.h"
#include "opt/pass.h"

namespace tenon::driver {

void command_opt(Session& session) {
  ir::Module module = parse_ir(session);
  const Options& o = session.options;
  opt::PipelineOptions options;
  options.strict = o.strict;
  options.verify_each = o.verify_each;
  options.print_changed = o.print_changed;
  options.print_after = o.print_after;
  options.stop_after = o.stop_after;
  options.bisect = o.bisect;
  options.stats = o.stats;
  options.log = &std::cerr;
  options.on_time = [&](std::string_view pass, double ms) {
    session.add_time("pass " + std::string(pass), ms);
  };
  session.phase = "optimizing";
  try {
    opt::run_pipeline(module, o.passes, options);
  } catch (const opt::BadPipeline& e) {
    throw UsageError{e.message};
  } catch (const opt::BrokenIr& e) {
    throw std::logic_error("pass " + e.pass + " broke the IR: " + e.violations[0].message +
                           ", in " + e.violations[0].where);
  }
  write_output(o.output, ir::print(module));
}

}  // namespace tenon::driver
