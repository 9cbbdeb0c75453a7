#include "ast/dot.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lexer/utf8.h"

namespace tenon::ast {

std::string dot_label(std::string_view text, bool left) {
  const std::string_view line_end = left ? "\\l" : "\\n";
  std::string label = "\"";
  while (!text.empty()) {
    const std::string_view rest = text;
    const char32_t code = lexer::take_character(text);
    const std::string_view bytes = rest.substr(0, rest.size() - text.size());
    if (code == '\n') {
      label += line_end;
    } else if (code == '"' || code == '\\') {
      label += fmt::format("\\{}", bytes);
    } else if (code == '&') {
      label += "&amp;";  // else `&lt;` would be read as `<`
    } else if (code == lexer::kReplacement || !lexer::is_visible(code)) {
      for (const char byte : bytes)
        label += fmt::format("\\\\x{:02x}", static_cast<unsigned char>(byte));
    } else {
      label += bytes;
    }
  }
  if (left) label += line_end;
  return label + "\"";
}

std::string tree_dot(std::string_view printed) {
  std::string dot =
      "digraph tree {\n  node [shape=box, fontname=\"monospace\", fontsize=11];\n"
      "  edge [arrowhead=none];\n";
  std::vector<size_t> path;  // the node of each depth, down to the last line's
  for (size_t number = 0; !printed.empty();) {
    const size_t end = std::min(printed.find('\n'), printed.size());
    std::string_view line = printed.substr(0, end);
    printed.remove_prefix(std::min(end + 1, printed.size()));
    const size_t indent = std::min(line.find_first_not_of(' '), line.size());
    line.remove_prefix(indent);
    if (line.empty()) continue;
    path.resize(std::min(path.size(), indent / 2));
    dot += fmt::format("  n{} [label={}];\n", number, dot_label(line));
    if (!path.empty()) dot += fmt::format("  n{} -> n{};\n", path.back(), number);
    path.push_back(number++);
  }
  return dot + "}\n";
}

}  // namespace tenon::ast
