#include <fmt/format.h>

#include "driver/commands.h"
#include "lexer/scanner.h"

namespace tenon::driver {

std::string emit_tokens(Session& session) {
  uint32_t file = session.open(session.options.file);
  const lexer::SourceFile& source = session.sources.file(file);
  lexer::Scanner scanner(session.sources, file, session.diagnostics);
  std::string out;
  for (lexer::Token token = scanner.next();; token = scanner.next()) {
    auto from = source.position(token.span.begin), to = source.position(token.span.end);
    std::string place = fmt::format("{}:{}-{}:{}", from.line, from.column, to.line, to.column);
    out += fmt::format("{:<13} {:<14} {}", place, lexer::row(token.kind).name,
                       session.sources.text(token.span));
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
    if (token.kind == lexer::TokenKind::end_of_file) break;
  }
  session.stop_if_wrong();
  return out;
}

}  // namespace tenon::driver
