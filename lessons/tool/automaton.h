// Pictures of automata: re2c makes the automaton of some shapes of the scanner, Graphviz draws it.
//
//   <!-- automaton: numbers.svg lexer/scanner.re numbers integer floating -->
//
// in a page: numbers.svg beside the page shows the automaton of the shapes `integer` and
// `floating`, which [snippet numbers] of lexer/scanner.re defines.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace tenon::lessons {

/// The automaton that re2c printed (its --emit-dot), as a picture for people in Graphviz's
/// language: without re2c's own bookkeeping, states that accept as double boxes with their shape's
/// name. `shapes` are the rules' names by line of re2c's input, "" for a line that is no shape's
/// rule.
std::string automaton_dot(const std::string& re2c_dot, const std::vector<std::string>& shapes);

/// The last line of a picture of these definitions and shapes, and of no other ones.
std::string picture_stamp(const std::string& definitions, const std::vector<std::string>& shapes);

/// The picture as SVG; throws std::runtime_error if a tool is missing or refuses.
std::string draw_automaton(const std::string& definitions, const std::vector<std::string>& shapes);

}  // namespace tenon::lessons
