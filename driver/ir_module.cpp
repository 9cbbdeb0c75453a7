#include "driver/ir_module.h"

#include <stdexcept>

#include "driver/frontend.h"
#include "ir/lower.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "opt/pass.h"

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
  if (session.options.file.ends_with(".ir")) return parse_ir(session);
  ast::typed::Program program = check_program(session);
  ir::Module module = session.timed("lowering to SSA", [&] { return ir::lower(program); });
  session.phase = "verifying what lowering made";
  for (const ir::Violation& v : ir::verify(module))
    throw std::logic_error(v.message + ", in " + v.where);
  return module;
}

ir::Module load_optimized(Session& session) {
  ir::Module module = load_module(session);
  opt::PipelineOptions options;
  options.strict = session.options.strict;
  options.verify_each = session.options.verify_each;
  options.on_time = [&](std::string_view pass, double ms) {
    session.add_time("pass " + std::string(pass), ms);
  };
  session.phase = "optimizing";
  try {
    opt::run_pipeline(module, opt::pipeline(session.options.level), options);
  } catch (const opt::BrokenIr& e) {
    throw std::logic_error("pass " + e.pass + " broke the IR: " + e.violations[0].message +
                           ", in " + e.violations[0].where);
  }
  return module;
}

}  // namespace tenon::driver
