#include "driver/nests.h"

#include <fmt/format.h>

#include <stdexcept>

#include "driver/output.h"
#include "ir/loops_parse.h"
#include "ir/loops_verify.h"
#include "opt/loops/shared.h"

namespace tenon::driver {

using namespace ir::loops;

std::string Nests::text() const {
  std::string text;
  for (const Kernel& kernel : kernels) {
    if (!text.empty()) text += '\n';
    text += print(module, kernel);
  }
  return text;
}

Nests parse_nests(Session& session) {
  Nests nests;
  const uint32_t file = session.open(session.options.file);
  std::vector<ParsedKernel> parsed = session.timed("reading loop nests", [&] {
    return parse(session.sources, file, nests.module, session.diagnostics);
  });
  session.stop_if_wrong();
  for (ParsedKernel& each : parsed) {
    for (const Violation& v : verify(nests.module, each.kernel)) {
      if (session.diagnostics.full()) break;
      session.diagnostics
          .report(lexer::Diag::ir_invalid, v.stmt ? each.stmts[*v.stmt] : each.span, v.message)
          .note({}, v.where);
    }
    nests.kernels.push_back(std::move(each.kernel));
  }
  session.stop_if_wrong();
  return nests;
}

namespace {

/// Applies the directives of the command line; what they leave is verified.
void direct(const Session& session, const ir::Module& module, Kernel& kernel) {
  for (const std::string& text : session.options.directives) {
    std::string mistake;
    const auto directive = ast::typed::parse_directive(text, {}, &mistake);
    if (!directive) throw UsageError{fmt::format("--directive '{}': {}", text, mistake)};
    try {
      opt::loops::apply_directive(kernel, *directive, {session.options.strict});
    } catch (const opt::Refused& refused) {
      fmt::print(stderr, "tenon: @{}: `{}` is refused: {}\n", kernel.name, text, refused.reason);
      throw Exit{kProgramWrong};
    }
    if (!kernel.shared.empty()) opt::loops::add_barriers(kernel);
    for (const Violation& v : verify(module, kernel))
      throw std::logic_error(fmt::format("`{}` broke the nest: {}, in {}", text, v.message, v.where));
  }
}

}  // namespace

void opt_nests(Session& session) {
  if (session.options.passes)
    throw UsageError{"--passes=LIST is for SSA functions; a .loops file holds loop nests"};
  Nests nests = parse_nests(session);
  for (Kernel& kernel : nests.kernels) direct(session, nests.module, kernel);
  write_output(session.options.output, nests.text());
}

}  // namespace tenon::driver
