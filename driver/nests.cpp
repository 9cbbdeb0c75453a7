#include "driver/nests.h"

#include "driver/output.h"
#include "ir/loops_parse.h"
#include "ir/loops_verify.h"

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

void opt_nests(Session& session) {
  if (session.options.passes)
    throw UsageError{"--passes=LIST is for SSA functions; a .loops file holds loop nests"};
  const Nests nests = parse_nests(session);
  write_output(session.options.output, nests.text());
}

}  // namespace tenon::driver
