#include "lessons/tool/parser_states.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "lessons/tool/pictures.h"
#include "tests/support/text.h"

namespace tenon::lessons {
namespace {

using tests::trim;

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kComplete = " •";

/// Takes a number off the front of `text`; -1 if there is none.
int take_number(std::string_view& text) {
  int number = -1;
  const char* end = text.data() + text.size();
  text.remove_prefix(
      static_cast<size_t>(std::from_chars(text.data(), end, number).ptr - text.data()));
  return number;
}

/// What stands between `label="` and the last quote, with its quotes unescaped.
std::string label_of(std::string_view line) {
  const size_t begin = line.find("label=\""), end = line.rfind('"');
  if (begin == line.npos) return {};
  std::string label;
  for (const char c : line.substr(begin + 7, end - begin - 7)) {
    if (c == '"' && label.ends_with('\\')) label.pop_back();
    label += c;
  }
  return label;
}

/// `State 3\n\l  2 sum: product •\l  3     | x\l`: lines that end with \l.
void read_items(ParserTable& parser, ParserState& state, std::string_view label) {
  std::string makes;
  for (size_t end; (end = label.find("\\l")) != label.npos; label.remove_prefix(end + 2)) {
    std::string_view line = trim(label.substr(0, end));
    const int rule = take_number(line);
    if (rule < 0) continue;  // the heading
    std::string item(trim(line));
    if (item.starts_with("|"))
      item = makes + ":" + item.substr(1);
    else
      makes = item.substr(0, item.find(':'));
    if (item.ends_with(kComplete) || item.ends_with(":" + std::string(kComplete))) {
      const size_t words = tests::split_words(item).size();
      parser.rules[rule] = {makes, words - 2};
    }
    state.items.push_back(std::move(item));
  }
}

/// A token without its quotes.
std::string plain(const std::string& token) {
  const bool quoted = token.size() > 2 && (token[0] == '"' || token[0] == '\'');
  return quoted ? token.substr(1, token.size() - 2) : token;
}

/// `0 -> 1 [style=solid label="'+'"]` or `3 -> "3R2" [label="[$end, '+']", style=solid]`.
void read_arrow(ParserState& from, std::string_view line) {
  const std::string label = label_of(line.substr(0, line.rfind(']')));
  std::string_view target = trim(line.substr(line.find("->") + 2));
  if (!target.starts_with('"')) {
    (line.find("style=dashed") != line.npos ? from.go_to : from.shift)[plain(label)] =
        take_number(target);
    return;
  }
  target.remove_prefix(1);
  take_number(target);
  target.remove_prefix(1);  // the R
  const int rule = take_number(target);
  std::string set = label.size() > 2 ? label.substr(1, label.size() - 2) : "";
  std::ranges::replace(set, ',', ' ');
  size_t at = 0;
  if (trim(set).empty()) from.reduce[""] = rule;
  while ((at = set.find_first_not_of(' ', at)) != set.npos) {
    const size_t end = std::min(set.find(' ', at), set.size());
    from.reduce[plain(set.substr(at, end - at))] = rule;
    at = end;
  }
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '"' ? "\\\"" : std::string(1, c);
  return result;
}

std::string joined(const std::vector<std::string>& words, size_t from = 0) {
  return fmt::format(
      "{}", fmt::join(words.begin() + static_cast<std::ptrdiff_t>(from), words.end(), " "));
}

}  // namespace

ParserTable read_parser(const std::string& bison_dot) {
  ParserTable parser;
  for (const std::string& line : tests::split_lines(bison_dot)) {
    std::string_view text = trim(line);
    if (text.empty() || kDigits.find(text[0]) == kDigits.npos) continue;
    const auto number = static_cast<size_t>(take_number(text));
    if (number >= parser.states.size()) parser.states.resize(number + 1);
    ParserState& state = parser.states[number];
    if (trim(text).starts_with("->"))
      read_arrow(state, text);
    else
      read_items(parser, state, label_of(text));
  }
  if (parser.states.empty()) throw std::runtime_error("bison printed no states:\n" + bison_dot);
  return parser;
}

ParserTable make_parser(const std::string& grammar) {
  const tests::ScratchFolder scratch;
  const std::string file = (scratch.path() / "input.yy").string();
  const std::string graph = (scratch.path() / "graph").string();
  tests::write_file(file, grammar);
  output_of({"bison", "--graph=" + graph, "-o", "/dev/null", file}, "");
  return read_parser(tests::read_file(graph));
}

std::string parser_dot(const ParserTable& parser) {
  std::string dot =
      "digraph {\n  bgcolor=white; nodesep=0.4; ranksep=0.35;\n"
      "  node [shape=box style=rounded fontname=\"Courier\" fontsize=12];\n"
      "  edge [fontname=\"Courier\" fontsize=12 arrowsize=0.7];\n"
      "  start [shape=point style=invis];\n  start -> 0;\n";
  for (size_t i = 0; i < parser.states.size(); ++i) {
    const ParserState& state = parser.states[i];
    std::string label = fmt::format("{}\\n", i);
    for (const std::string& item : state.items) label += escaped(item) + "\\l";
    dot += fmt::format("  {} [label=\"{}\"{}];\n", i, label,
                       state.reduce.empty() ? "" : " peripheries=2");
    for (const auto& [token, next] : state.shift)
      dot += fmt::format("  {} -> {} [label=\"{}\"];\n", i, next, escaped(token));
    for (const auto& [made, next] : state.go_to)
      dot += fmt::format("  {} -> {} [label=\"{}\" style=dashed];\n", i, next, escaped(made));
  }
  return dot + "}\n";
}

std::string parser_moves(const ParserTable& parser, const std::vector<std::string>& tokens) {
  std::vector<std::string> input = tokens;
  input.push_back("$end");
  std::vector<std::string> stack;
  std::vector<int> states = {0};
  const size_t width = joined(tokens).size() + 4;
  std::string moves = fmt::format("{:{}}{:{}}move\n", "stack", width, "still to come", width + 4);
  auto tell = [&](size_t at, const std::string& move) {
    moves +=
        fmt::format("{:{}}{:{}}{}\n", joined(stack), width, joined(input, at), width + 4, move);
  };
  for (size_t at = 0;;) {
    const ParserState& state = parser.states.at(static_cast<size_t>(states.back()));
    if (auto shift = state.shift.find(input[at]); shift != state.shift.end()) {
      tell(at, input[at] == "$end" ? "accept" : "shift");
      if (input[at] == "$end") return moves;
      stack.push_back(input[at++]);
      states.push_back(shift->second);
      continue;
    }
    auto complete = state.reduce.find(input[at]);
    if (complete == state.reduce.end()) complete = state.reduce.find("");
    if (complete == state.reduce.end()) throw std::runtime_error("no move on " + input[at]);
    const ParserRule& rule = parser.rules.at(complete->second);
    tell(at,
         fmt::format("reduce: {} from {}", rule.makes, joined(stack, stack.size() - rule.parts)));
    stack.resize(stack.size() - rule.parts);
    states.resize(states.size() - rule.parts);
    stack.push_back(rule.makes);
    states.push_back(parser.states.at(static_cast<size_t>(states.back())).go_to.at(rule.makes));
  }
}

}  // namespace tenon::lessons
