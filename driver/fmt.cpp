// tenon fmt FILE.tn …: canonical layout, in place. The formatter itself is parser/format.cpp.
#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/output.h"
#include "parser/format.h"

namespace tenon::driver {

namespace {

/// Takes a line off the front of `text`.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Where the two texts part, as a hint: the whole difference is one `tenon fmt` away.
std::string first_difference(const std::string& name, std::string_view before,
                             std::string_view after) {
  for (uint32_t number = 1;; ++number) {
    const bool is_last = before.empty() || after.empty();
    const std::string_view old_line = take_line(before), new_line = take_line(after);
    if (old_line == new_line && !is_last) continue;
    return fmt::format("{}:{}: `tenon fmt` changes this\n- {}\n+ {}\n", name, number, old_line,
                       new_line);
  }
}

/// Whether the file is, or now is, in canonical layout.
bool format_file(Session& session, const std::string& path) {
  const uint32_t file = session.open(path);
  const lexer::SourceFile& source = session.sources.file(file);
  const auto text = session.timed(
      "formatting", [&] { return parser::format(session.sources, file, session.diagnostics); });
  session.stop_if_wrong();
  if (session.options.check) {
    if (*text == source.text()) return true;
    write_output("", first_difference(source.name(), source.text(), *text));
    return false;
  }
  if (path == "-" || *text != source.text()) write_output(path, *text);
  return true;
}

}  // namespace

/// A file that is wrong is left alone; the others are formatted all the same.
void command_fmt(Session& session) {
  bool fine = true;
  for (const std::string& path : session.options.files) {
    try {
      session.diagnostics = {};
      fine &= format_file(session, path);
    } catch (const Exit&) {
      fine = false;
    }
  }
  if (!fine) throw Exit{kProgramWrong};
}

}  // namespace tenon::driver
