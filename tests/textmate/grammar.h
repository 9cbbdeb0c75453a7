// A TextMate grammar, run as an editor runs it: line by line, at each place the first pattern that
// matches. As much of the format as the grammar of editors/vscode uses: `match` with captures,
// `begin` and `end`, and `include` of the repository.
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::tests {

class Grammar {
 public:
  /// Throws std::exception if the text is no such grammar.
  explicit Grammar(const std::string& text);

  /// For each byte the names of the scopes that it lies in, the outermost first, with blanks
  /// between.
  std::vector<std::string> scopes(std::string_view text) const;

 private:
  struct Rule {
    std::string name;
    std::regex begin;  // or `match`
    std::map<int, std::string> captures;
    bool has_end = false;
    std::regex end;
    std::vector<Rule> inner;  // between begin and end
  };
  using Json = nlohmann::json;

  std::vector<Rule> read(const Json& patterns) const;
  static void check_keys(const Json& pattern);

  Json repository_;
  std::vector<Rule> rules_;
};

}  // namespace tenon::tests
