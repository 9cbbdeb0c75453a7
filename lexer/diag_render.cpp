// How a diagnostic looks: for people, for editors (one line), and for programs (JSON).
//
// The source may be anything: one line of 16 MiB, tabs, control characters, bytes that are no
// UTF-8. So a line is cut to a window around the span, and what a terminal could take amiss is
// replaced.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lexer/diag.h"
#include "lexer/literals.h"
#include "lexer/utf8.h"

namespace tenon::lexer {
namespace {

constexpr size_t kMessageBytes = 1000;  // a longer text quotes some endless name
constexpr size_t kWindowBytes = 120;    // how much of a source line is shown
constexpr size_t kBeforeSpan = 50;      // of these, how many stand before the span
constexpr int kTabWidth = 4;

struct Paint {
  std::string_view error, note, hint, gutter, off;
};
constexpr Paint kPlain = {"", "", "", "", ""};
constexpr Paint kColored = {"\x1b[1;31m", "\x1b[1;36m", "\x1b[1;32m", "\x1b[34m", "\x1b[0m"};

/// A piece of text as a terminal can show it, and how many columns it takes there.
struct Shown {
  std::string text;
  int width = 0;
};

Shown show(std::string_view text) {
  Shown shown;
  while (!text.empty()) {
    std::string_view rest = text;
    char32_t code = take_character(rest);
    std::string_view bytes = text.substr(0, text.size() - rest.size());
    text = rest;
    if (code == '\t') {
      shown.text.append(kTabWidth, ' ');
      shown.width += kTabWidth;
    } else if (!is_visible(code) || code == kReplacement) {
      shown.text += "\ufffd";
      shown.width += 1;
    } else {
      shown.text += bytes;
      shown.width += display_width(code);
    }
  }
  return shown;
}

std::string shown_message(std::string_view text) {
  return show(shortened(text, kMessageBytes)).text;
}

bool has_place(Span span, const SourceMap& sources) {
  return span.file < sources.size();
}

/// `file:line:col: `, or nothing where the place is unknown.
std::string place(Span span, const SourceMap& sources) {
  if (!has_place(span, sources)) return "";
  const SourceFile& file = sources.file(span.file);
  Position position = file.position(span.begin);
  return fmt::format("{}:{}:{}: ", shown_message(file.name()), position.line, position.column);
}

/// The span's first line with the span underlined, `label` behind the underline.
std::string excerpt(Span span, std::string_view label, const SourceMap& sources, const Paint& paint,
                    std::string_view mark) {
  if (!has_place(span, sources)) return "";
  const SourceFile& file = sources.file(span.file);
  uint32_t number = file.position(span.begin).line;
  std::string_view line = file.line(number);

  // Everything from here on is in bytes from the line's begin, and inside the line.
  size_t begin =
      std::min<size_t>(span.begin - std::min(span.begin, file.line_begin(number)), line.size());
  size_t length = span.end > span.begin ? span.end - span.begin : 0;
  size_t end = std::min(begin + length, line.size());
  size_t first = begin > kBeforeSpan && line.size() > kWindowBytes ? begin - kBeforeSpan : 0;
  size_t last = std::min(first + kWindowBytes, line.size());
  while (first > 0 && is_continuation(line[first])) --first;
  while (last < line.size() && is_continuation(line[last])) ++last;
  end = std::min(end, last);

  Shown before = show(line.substr(first, begin - first));
  Shown under = show(line.substr(begin, end - begin));
  Shown after = show(line.substr(end, last - end));
  std::string_view cut_left = first > 0 ? "..." : "", cut_right = last < line.size() ? "..." : "";

  std::string underline(before.width + cut_left.size(), ' ');
  underline += fmt::format("{}{}", mark, std::string(std::max(under.width, 1), '^'));
  if (!label.empty()) underline += fmt::format(" {}", shown_message(label));
  return fmt::format("{}{:>5} |{} {}{}{}{}{}\n{}      |{} {}{}\n", paint.gutter, number, paint.off,
                     cut_left, before.text, under.text, after.text, cut_right, paint.gutter,
                     paint.off, underline, paint.off);
}

std::string render_human(const Diagnostic& diagnostic, const SourceMap& sources,
                         const Paint& paint) {
  std::string text =
      fmt::format("{}{}error[{}]{}: {}\n", place(diagnostic.span, sources), paint.error,
                  diagnostic.code, paint.off, shown_message(diagnostic.message));
  text += excerpt(diagnostic.span, diagnostic.label, sources, paint, paint.error);
  for (const Note& note : diagnostic.notes) {
    text += fmt::format("{}{}note{}: {}\n", place(note.span, sources), paint.note, paint.off,
                        shown_message(note.text));
    text += excerpt(note.span, "", sources, paint, paint.note);
  }
  for (const std::string& hint : diagnostic.hints) {
    text += fmt::format("{}hint{}: {}\n", paint.hint, paint.off, shown_message(hint));
  }
  return text;
}

std::string render_short(const Diagnostic& diagnostic, const SourceMap& sources) {
  return fmt::format("{}error[{}]: {}\n", place(diagnostic.span, sources), diagnostic.code,
                     shown_message(diagnostic.message));
}

using Json = nlohmann::ordered_json;

/// Adds `file`, `line`, `column`, `end_line`, `end_column` (behind the last character).
void add_place(Json& object, Span span, const SourceMap& sources) {
  if (!has_place(span, sources)) return;
  const SourceFile& file = sources.file(span.file);
  Position begin = file.position(span.begin), end = file.position(std::max(span.begin, span.end));
  object["file"] = file.name();
  object["line"] = begin.line;
  object["column"] = begin.column;
  object["end_line"] = end.line;
  object["end_column"] = end.column;
}

/// One object on one line.
std::string render_json(const Diagnostic& diagnostic, const SourceMap& sources) {
  Json object = {{"code", diagnostic.code},
                 {"message", shortened(diagnostic.message, kMessageBytes)}};
  add_place(object, diagnostic.span, sources);
  object["label"] = shortened(diagnostic.label, kMessageBytes);
  object["notes"] = Json::array();
  for (const Note& note : diagnostic.notes) {
    Json entry = {{"message", shortened(note.text, kMessageBytes)}};
    add_place(entry, note.span, sources);
    object["notes"].push_back(std::move(entry));
  }
  object["hints"] = diagnostic.hints;
  // Replaces bytes that are no UTF-8 instead of throwing.
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string render(const Diagnostic& diagnostic, const SourceMap& sources, DiagFormat format,
                   bool color) {
  switch (format) {
    case DiagFormat::human: return render_human(diagnostic, sources, color ? kColored : kPlain);
    case DiagFormat::short_: return render_short(diagnostic, sources);
    case DiagFormat::json: return render_json(diagnostic, sources);
  }
  return "";
}

}  // namespace tenon::lexer
