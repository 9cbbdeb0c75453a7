#include <fmt/format.h>

#include <optional>

#include "ast/interpret.h"
#include "ast/trace.h"
#include "driver/commands.h"
#include "driver/frontend.h"
#include "driver/run.h"

namespace tenon::driver {

namespace {

void run_traced(Session& session, const ast::typed::Program& program) {
  std::optional<ast::typed::Trace> trace;
  try {
    trace.emplace(program, session.sources, session.options.trace);
  } catch (const ast::typed::BadTrace& error) {
    throw UsageError{error.message};
  }
  try {
    execute(session,
            [&](runtime::Context& context) { ast::interpret(program, context, &*trace); });
  } catch (const Exit&) {
    fmt::print(stderr, "{}", trace->text());  // how far it came
    throw;
  }
  fmt::print(stderr, "{}", trace->text());
}

}  // namespace

void run_interp(Session& session) {
  const ast::typed::Program program = check_program(session);
  if (!session.options.trace.empty()) return run_traced(session, program);
  execute(session, [&](runtime::Context& context) { ast::interpret(program, context); });
}

}  // namespace tenon::driver
