#include "driver/frontend.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>
#include <set>
#include <span>

#include "driver/exports.h"
#include "parser/parser.h"

namespace tenon::driver {

std::span<const std::pair<std::string_view, std::string_view>> prelude_texts();

namespace {

namespace fs = std::filesystem;

template <class Items>
void append(Items& to, Items& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void append(ast::Program& to, ast::Program from) {
  append(to.imports, from.imports);
  append(to.consts, from.consts);
  append(to.records, from.records);
  append(to.functions, from.functions);
  append(to.schedules, from.schedules);
}

/// What tells files apart: however a path is written, a file is read once.
fs::path identity(const fs::path& path) {
  std::error_code failed;
  fs::path canonical = fs::weakly_canonical(path, failed);
  return failed ? path.lexically_normal() : canonical;
}

/// `root` and all that it imports, each file once. The root comes last: of two items with one name it
/// has the second.
ast::Program with_imports(Session& session, ast::Program root) {
  std::set<fs::path> seen;
  if (session.options.file != "-") seen.insert(identity(session.options.file));
  ast::Program all;
  std::vector<ast::Import> imports = root.imports;
  for (size_t i = 0; i < imports.size(); ++i) {
    const ast::Import import = imports[i];
    const std::string& importer = session.sources.file(import.span.file).name();
    const fs::path path = (fs::path(importer).parent_path() / import.path).lexically_normal();
    if (!seen.insert(identity(path)).second) continue;
    if (auto file = session.open_imported(path.string(), import.span)) {
      ast::Program imported = parser::parse(session.sources, *file, session.diagnostics);
      imports.insert(imports.end(), imported.imports.begin(), imported.imports.end());
      append(all, std::move(imported));
    }
  }
  append(all, std::move(root));
  return all;
}

ast::Program parse_prelude(Session& session) {
  ast::Program prelude;
  for (auto [name, text] : prelude_texts()) {
    uint32_t file = session.sources.add(fmt::format("prelude/{}.tn", name), std::string(text));
    append(prelude, parser::parse(session.sources, file, session.diagnostics));
  }
  return prelude;
}

ast::CheckOptions check_options(const Session& session) {
  ast::CheckOptions options;
  for (const lexer::Diagnostic& d : session.diagnostics.all()) {
    options.syntax_errors.push_back(d.span);
  }
  for (const std::string& define : session.options.defines) {
    size_t equals = define.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError{"-D " + define + ": it is written -D NAME=VALUE"};
    options.defines.push_back({define.substr(0, equals), define.substr(equals + 1)});
  }
  return options;
}

/// The file of --schedule.
std::vector<ast::Schedule> parse_schedules(Session& session) {
  const uint32_t file = session.open(session.options.schedule);
  ast::Program read = parser::parse(session.sources, file, session.diagnostics);
  const auto refuse = [&](lexer::Span span) {
    session.diagnostics.report(lexer::Diag::schedule_directive, span,
                               "a file of schedules holds nothing else");
  };
  for (const auto& item : read.imports) refuse(item.span);
  for (const auto& item : read.consts) refuse(item.span);
  for (const auto& item : read.records) refuse(item.span);
  for (const auto& item : read.functions) refuse(item.span);
  return std::move(read.schedules);
}

}  // namespace

ast::Program parse_root(Session& session) {
  uint32_t file = session.open(session.options.file);
  return session.timed("parsing",
                       [&] { return parser::parse(session.sources, file, session.diagnostics); });
}

ast::typed::Program diagnose_program(Session& session, bool needs_main, ast::Unreached* unreached) {
  ast::Program prelude =
      session.timed("parsing the prelude", [&] { return parse_prelude(session); });
  ast::Program root_program = parse_root(session);
  session.root = static_cast<uint32_t>(session.sources.size() - 1);
  uint32_t root = session.root;
  ast::Program program = with_imports(session, std::move(root_program));
  if (session.entry && !session.diagnostics.any()) {
    root = session.sources.add("<command line>", session.entry(program));
    append(program, parser::parse(session.sources, root, session.diagnostics));
  }

  ast::CheckOptions options = check_options(session);
  std::vector<ast::Schedule> schedules;
  if (!session.options.schedule.empty()) schedules = parse_schedules(session);
  options.schedules = schedules;
  options.needs_main = needs_main;
  options.root_file = root;
  const WantedExports wanted = read_exports(session);
  if (session.library || !wanted.exports.empty()) options.exports = wanted.exports;
  return session.timed("checking", [&] {
    return ast::check(prelude, program, options, session.diagnostics, unreached);
  });
}

ast::typed::Program check_program(Session& session, bool needs_main, ast::Unreached* unreached) {
  try {
    auto typed = diagnose_program(session, needs_main, unreached);
    session.stop_if_wrong(only_exports_are_wrong(session) ? kUsageWrong : kProgramWrong);
    return typed;
  } catch (const ast::BadDefine& e) {
    session.stop_if_wrong();
    throw UsageError{e.message};
  } catch (const ast::BadExport& e) {
    session.stop_if_wrong();
    throw UsageError{e.message};
  }
}

}  // namespace tenon::driver
