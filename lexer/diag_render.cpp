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

/// The rows of an alignment as notes, with marks under the columns that clash. Cells stand to the right
/// in their columns. Nothing if a line got too long to be read.
std::string aligned(const Alignment& alignment, const Paint& paint) {
  constexpr size_t kSeparator = 2;  // `, `
  size_t head = 0, lead = 0;
  std::vector<size_t> widths;
  for (const Alignment::Row& row : alignment.rows) {
    head = std::max(head, row.head.size());
    lead = std::max(lead, row.lead.size());
    widths.resize(std::max(widths.size(), row.column + row.cells.size()));
    for (size_t i = 0; i < row.cells.size(); ++i) {
      widths[row.column + i] = std::max(widths[row.column + i], row.cells[i].size());
    }
  }
  std::vector<size_t> begins;  // of the columns
  for (size_t at = head + kSeparator + lead + 1; size_t width : widths) {
    begins.push_back(at);
    at += width + kSeparator;
  }
  if (widths.empty() || begins.back() + widths.back() > kWindowBytes) return "";

  constexpr std::string_view kNote = "note: ";
  std::string text;
  for (const Alignment::Row& row : alignment.rows) {
    std::string line = fmt::format("{:<{}}", row.head, head + kSeparator);
    for (size_t i = 0; i < row.cells.size(); ++i) {
      const size_t column = row.column + i;
      const std::string before = i == 0 ? row.lead + "[" : ", ";
      const size_t begin = begins[column] + widths[column] - row.cells[i].size();
      line.resize(std::max(line.size(), begin - before.size()), ' ');
      line += before + row.cells[i];
    }
    text += fmt::format("{}note{}: {}]\n", paint.note, paint.off, shown_message(line));
  }
  std::string marks(kNote.size(), ' ');
  for (size_t column : alignment.marked) {
    marks.resize(kNote.size() + begins[column], ' ');
    marks.append(widths[column], '^');
  }
  return text + fmt::format("{}{} {}{}\n", paint.note, marks, alignment.label, paint.off);
}

std::string render_human(const Diagnostic& diagnostic, const SourceMap& sources,
                         const Paint& paint) {
  std::string text =
      fmt::format("{}{}error[{}]{}: {}\n", place(diagnostic.span, sources), paint.error,
                  diagnostic.code, paint.off, shown_message(diagnostic.message));
  text += excerpt(diagnostic.span, diagnostic.label, sources, paint, paint.error);
  text += aligned(diagnostic.alignment, paint);
  for (const Note& note : diagnostic.notes) {
    text += fmt::format("{}{}note{}: {}\n", place(note.span, sources), paint.note, paint.off,
                        shown_message(note.text));
    text += excerpt(note.span, "", sources, paint, paint.note);
  }
  for (const Hint& hint : diagnostic.hints) {
    text += fmt::format("{}{}{}: {}\n", paint.hint, hint.edits.empty() ? "hint" : "help", paint.off,
                        shown_message(hint.text));
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

Json with_edits(const Hint& hint, const SourceMap& sources) {
  Json object = {{"message", shortened(hint.text, kMessageBytes)}, {"edits", Json::array()}};
  for (const Edit& edit : hint.edits) {
    Json change = Json::object();
    add_place(change, edit.span, sources);
    change["text"] = edit.text;
    object["edits"].push_back(std::move(change));
  }
  return object;
}

Json shapes(const Alignment& alignment) {
  Json object = {{"rows", Json::array()}, {"clashes", alignment.marked}};
  for (const Alignment::Row& row : alignment.rows) {
    object["rows"].push_back({{"name", row.head},
                              {"type", row.lead},
                              {"column", row.column},
                              {"extents", row.cells}});
  }
  return object;
}

/// Bytes that are no UTF-8 are replaced.
std::string line_of(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
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
  if (!diagnostic.alignment.rows.empty()) object["shapes"] = shapes(diagnostic.alignment);
  object["hints"] = Json::array();
  for (const Hint& hint : diagnostic.hints) object["hints"].push_back(with_edits(hint, sources));
  return line_of(object);
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

std::string render_fixed(const Diagnostic& diagnostic, const Hint& done, const SourceMap& sources,
                         DiagFormat format) {
  if (format != DiagFormat::json) {
    return fmt::format("{}fixed[{}]: {}\n", place(diagnostic.span, sources), diagnostic.code,
                       shown_message(done.text));
  }
  Json object = {{"code", diagnostic.code}};
  add_place(object, diagnostic.span, sources);
  object["fixed"] = with_edits(done, sources);
  return line_of(object);
}

}  // namespace tenon::lexer
