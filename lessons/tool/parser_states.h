// Parsers of small grammars, as Bison makes them: their states as a picture, and what they do with
// a text. In a page
//
//   <!-- parser: layered.svg layered.yy -->            the picture beside the page shows that
//   parser
//   <!-- moves: layered.yy number + number -->   the block below lists its moves on these tokens
#pragma once
#include <map>
#include <string>
#include <vector>

namespace tenon::lessons {

struct ParserState {
  std::vector<std::string> items;    ///< `sum: sum • '+' product`
  std::map<std::string, int> shift;  ///< the next state, by token (without its quotes)
  std::map<std::string, int> go_to;  ///< and by what a rule has made
  /// Rules that are complete here, by the tokens for which they are: "" for every other one.
  std::map<std::string, int> reduce;
};

struct ParserRule {
  std::string makes;
  size_t parts = 0;
};

struct ParserTable {
  std::vector<ParserState> states;
  std::map<int, ParserRule> rules;
};

/// From what Bison's --graph prints; throws std::runtime_error where that is no parser.
ParserTable read_parser(const std::string& bison_dot);
/// The parser of this grammar; throws std::runtime_error if Bison is missing or refuses.
ParserTable make_parser(const std::string& grammar);

/// A picture for people in Graphviz's language: a state with a complete rule is a double box; a
/// dashed arrow is taken by what a rule has made.
std::string parser_dot(const ParserTable& parser);

/// A line per move: the stack, the tokens that are left, and the move. Of a grammar without %empty
/// (Bison's graph does not say where such a rule is complete); throws std::runtime_error on an
/// error.
std::string parser_moves(const ParserTable& parser, const std::vector<std::string>& tokens);

}  // namespace tenon::lessons
