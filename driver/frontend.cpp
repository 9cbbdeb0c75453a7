#include "driver/frontend.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "ast/check.h"
#include "parser/parser.h"

namespace tenon::driver {

std::span<const std::pair<std::string_view, std::string_view>> prelude_texts();

ast::Program parse_program(Session& session) {
  uint32_t file = session.open(session.options.file);
  return session.timed("parsing",
                       [&] { return parser::parse(session.sources, file, session.diagnostics); });
}

/// All files of the prelude, as one program.
static ast::Program parse_prelude(Session& session) {
  ast::Program all;
  for (auto [name, text] : prelude_texts()) {
    uint32_t file = session.sources.add(std::string(name) + ".tn", std::string(text));
    ast::Program part = parser::parse(session.sources, file, session.diagnostics);
    std::ranges::move(part.consts, std::back_inserter(all.consts));
    std::ranges::move(part.functions, std::back_inserter(all.functions));
  }
  return all;
}

ast::typed::Program check_program(Session& session, bool needs_main) {
  ast::Program prelude =
      session.timed("parsing the prelude", [&] { return parse_prelude(session); });
  ast::Program program = parse_program(session);
  session.stop_if_wrong();

  ast::CheckOptions options;
  options.needs_main = needs_main;
  for (const std::string& define : session.options.defines) {
    size_t equals = define.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError{"-D " + define + ": it is written -D NAME=VALUE"};
    options.defines.push_back({define.substr(0, equals), define.substr(equals + 1)});
  }
  try {
    auto typed = session.timed(
        "checking", [&] { return ast::check(prelude, program, options, session.diagnostics); });
    session.stop_if_wrong();
    return typed;
  } catch (const ast::BadDefine& e) {
    throw UsageError{e.message};
  }
}

}  // namespace tenon::driver
