#include "tests/textmate/grammar.h"

#include <set>
#include <stdexcept>

namespace tenon::tests {
namespace {

std::string joined(const std::string& outer, const std::string& name) {
  return outer.empty() || name.empty() ? outer + name : outer + " " + name;
}

}  // namespace

Grammar::Grammar(const std::string& text) {
  const Json grammar = Json::parse(text);
  repository_ = grammar.at("repository");
  rules_ = read(grammar.at("patterns"));
}

/// What this class does not know must not be passed over in silence.
void Grammar::check_keys(const Json& pattern) {
  static const std::set<std::string> kKnown = {"name", "match",    "captures", "begin",
                                               "end",  "patterns", "include"};
  for (const auto& [key, value] : pattern.items()) {
    if (!kKnown.contains(key)) throw std::runtime_error("no key of a pattern: " + key);
  }
}

std::vector<Grammar::Rule> Grammar::read(const Json& patterns) const {
  std::vector<Rule> rules;
  for (const Json& pattern : patterns) {
    check_keys(pattern);
    if (pattern.contains("include")) {
      const std::string name = pattern.at("include");
      for (Rule& rule : read(repository_.at(name.substr(1)).at("patterns"))) {
        rules.push_back(std::move(rule));
      }
      continue;
    }
    Rule rule;
    rule.name = pattern.value("name", "");
    rule.has_end = pattern.contains("begin");
    rule.begin = std::regex(pattern.at(rule.has_end ? "begin" : "match").get<std::string>());
    const Json captures = pattern.value("captures", Json::object());
    for (const auto& [number, capture] : captures.items()) {
      rule.captures[std::stoi(number)] = capture.at("name");
    }
    if (rule.has_end) {
      rule.end = std::regex(pattern.at("end").get<std::string>());
      rule.inner = read(pattern.value("patterns", Json::array()));
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::vector<std::string> Grammar::scopes(std::string_view text) const {
  std::vector<std::string> scopes(text.size());
  std::vector<const Rule*> open;  // those whose end has not come
  for (size_t line_begin = 0; line_begin < text.size();) {
    size_t line_end = std::min(text.find('\n', line_begin), text.size());
    const size_t next = line_end + 1;
    if (line_end > line_begin && text[line_end - 1] == '\r') --line_end;
    const char* const end = text.data() + line_end;

    for (size_t at = line_begin; at <= line_end;) {
      const char* const here = text.data() + at;
      std::cmatch match;
      auto flags = std::regex_constants::match_continuous;
      if (at > line_begin) flags |= std::regex_constants::match_prev_avail;
      auto matches = [&](const std::regex& regex) {
        return std::regex_search(here, end, match, regex, flags);
      };
      std::string outer;
      for (const Rule* rule : open) outer = joined(outer, rule->name);
      auto paint = [&](size_t begin, size_t length, const std::string& scope) {
        std::fill_n(scopes.begin() + static_cast<ptrdiff_t>(begin), length, scope);
      };

      if (!open.empty() && matches(open.back()->end)) {
        const auto length = static_cast<size_t>(match.length());
        paint(at, length, outer);
        open.pop_back();
        at += length;
        if (at >= line_end) break;
        continue;
      }
      const Rule* found = nullptr;
      for (const Rule& rule : open.empty() ? rules_ : open.back()->inner) {
        if (matches(rule.begin) && match.length() > 0) {
          found = &rule;
          break;
        }
      }
      if (!found) {
        if (at < line_end) scopes[at] = outer;
        ++at;
        continue;
      }
      const std::string scope = joined(outer, found->name);
      paint(at, static_cast<size_t>(match.length()), scope);
      for (const auto& [number, name] : found->captures) {
        paint(at + static_cast<size_t>(match.position(number)),
              static_cast<size_t>(match.length(number)), joined(scope, name));
      }
      if (found->has_end) open.push_back(found);
      at += static_cast<size_t>(match.length());
    }
    line_begin = next;
  }
  return scopes;
}

}  // namespace tenon::tests
