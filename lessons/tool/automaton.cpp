#include "lessons/tool/automaton.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>

#include "lessons/tool/pictures.h"
#include "tests/support/text.h"

namespace tenon::lessons {
namespace {

namespace fs = std::filesystem;

/// A state of re2c's, and where its arrows go: the label is a set of characters like [0-9][_], or
/// empty for an arrow that is always taken.
struct State {
  std::vector<std::pair<int, std::string>> arrows;
  int line = 0;  ///< not 0: this is no state but the action of the rule in that line
};
using States = std::map<int, State>;

int number_at(const std::string& text, size_t at) {
  int number = 0;
  std::from_chars(text.data() + std::min(at, text.size()), text.data() + text.size(), number);
  return number;
}

std::string label_of(const std::string& line) {
  const size_t begin = line.find("label=\""), end = line.rfind('"');
  return begin == std::string::npos ? "" : line.substr(begin + 7, end - begin - 7);
}

/// `1 -> 4 [label="[0]"]`, `6 -> 7` or `3 [label="input.re:12"]`, a line each.
States parse(const std::string& dot) {
  States states;
  for (const std::string& line : tests::split_lines(dot)) {
    const int from = number_at(line, 0);
    if (from == 0) continue;
    const std::string label = label_of(line);
    if (const size_t arrow = line.find("->"); arrow != std::string::npos) {
      states[from].arrows.emplace_back(number_at(line, arrow + 3), label);
    } else {
      states[from].line = number_at(label, label.rfind(':') + 1);
    }
  }
  return states;
}

/// Follows arrows that are always taken: re2c splits a state where it moves the input.
int resolve(States& states, int id) {
  while (states[id].arrows.size() == 1 && states[id].arrows[0].second.empty()) {
    id = states[id].arrows[0].first;
  }
  return id;
}

/// An action, or the place where re2c goes back to the longest match so far.
bool is_end(const State& state) {
  return state.line != 0 ||
         (!state.arrows.empty() && state.arrows[0].second.starts_with("yyaccept"));
}

/// [0-9][_] as `0-9 _`.
std::string readable(const std::string& label) {
  std::string text;
  for (size_t begin = 0; begin < label.size();) {
    const size_t end = label.find(']', begin + 2);
    if (!text.empty()) text += ' ';
    text.append(label, begin + 1, end - begin - 1);
    begin = end + 1;
  }
  return text;
}

std::string re2c_input(const std::string& definitions, const std::vector<std::string>& shapes) {
  std::string text = "/*!re2c\n" + definitions + "re2c:yyfill:enable = 0;\n";
  for (const std::string& shape : shapes) text += shape + " {}\n";
  return text + "* {}\n*/\n";
}

}  // namespace

std::string automaton_dot(const std::string& re2c_dot, const std::vector<std::string>& shapes) {
  States states = parse(re2c_dot);
  std::string dot =
      "digraph {\n  rankdir=LR; bgcolor=white; nodesep=0.3; ranksep=0.35;\n"
      "  node [shape=circle label=\"\" width=0.25 fontname=\"Helvetica\" fontsize=11];\n"
      "  edge [fontname=\"Courier\" fontsize=12 arrowsize=0.7];\n"
      "  start [shape=point style=invis];\n";
  if (states.empty()) throw std::runtime_error("re2c printed no automaton:\n" + re2c_dot);
  const int first = states.begin()->first;
  dot += fmt::format("  start -> {};\n", first);
  std::set<int> seen{first};
  for (std::vector<int> open{first}; !open.empty();) {
    const int id = open.back();
    open.pop_back();
    for (const auto& [next, label] : std::vector(states[id].arrows)) {
      const int target = resolve(states, next);
      const auto line = static_cast<size_t>(states[target].line);
      if (line > 0 && line < shapes.size() && !shapes[line].empty()) {
        dot += fmt::format("  {} [shape=box style=rounded peripheries=2 label=\"{}\"];\n", id,
                           shapes[line]);
      }
      if (is_end(states[target])) continue;
      dot += fmt::format("  {} -> {} [label=\"{}\"];\n", id, target, readable(label));
      if (seen.insert(target).second) open.push_back(target);
    }
  }
  return dot + "}\n";
}

std::string picture_stamp(const std::string& definitions, const std::vector<std::string>& shapes) {
  return picture_stamp(re2c_input(definitions, shapes));
}

std::string draw_automaton(const std::string& definitions, const std::vector<std::string>& shapes) {
  const tests::ScratchFolder scratch;
  const fs::path file = scratch.path() / "input.re";
  const std::string input = re2c_input(definitions, shapes);
  tests::write_file(file, input);
  const std::vector<std::string> lines = tests::split_lines(input);
  std::vector<std::string> by_line(lines.size() + 1);
  for (size_t i = 0; i < shapes.size(); ++i)
    by_line[lines.size() - 1 - shapes.size() + i] = shapes[i];
  const std::string dot =
      automaton_dot(output_of({"re2c", "--emit-dot", file.string()}, ""), by_line);
  return draw_dot(dot) + picture_stamp(definitions, shapes);
}

}  // namespace tenon::lessons
