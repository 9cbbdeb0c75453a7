#include "ast/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>

namespace tenon::ast::typed {

bool Directive::operator==(const Directive& other) const {
  return kind == other.kind && loops == other.loops && made == other.made &&
         factor == other.factor && operand == other.operand;
}

/// Follows the form of the row: `loop by factor as new , new`.
std::string print(const Directive& directive) {
  const DirectiveRow& row = typed::row(directive.kind);
  std::string text(row.name);
  std::istringstream form{std::string(row.form)};
  size_t loop = 0, made = 0;
  for (std::string word; form >> word;) {
    if (word.starts_with('[')) {
      if (directive.factor == 0) break;  // what is optional is the factor
      word.erase(0, 1);
    }
    if (word.ends_with(']')) word.pop_back();
    if (word == "loops") {
      text += fmt::format(" {}", fmt::join(directive.loops, ", "));
    } else if (word == ",") {
      text += ",";
    } else {
      text += " ";
      if (word == "loop") text += directive.loops[loop++];
      else if (word == "new") text += directive.made[made++];
      else if (word == "factor") text += std::to_string(directive.factor);
      else if (word == "operand") text += directive.operand;
      else text += word;
    }
  }
  return text;
}

std::string form_of(const DirectiveRow& row) {
  std::string text = fmt::format("{}{}{}", row.name, row.form.empty() ? "" : " ", row.form);
  for (size_t at; (at = text.find(" ,")) != text.npos;) text.erase(at, 1);
  return text;
}

// ---- reading

namespace {

std::string expected(const std::string& want) {
  return want == "new" ? "expected a name for the new loop" : fmt::format("expected `{}`", want);
}

/// What a directive calls the loops that it makes without being told how (opt/loops/mark.cpp, pack.cpp and
/// prefetch.cpp); how many a copy has, the checker does not know.
std::vector<std::string> unnamed_loops(const Directive& directive, bool has_factor) {
  constexpr int kMostAxes = 8;
  std::vector<std::string> loops;
  const bool marks =
      directive.kind == DirectiveKind::vectorize_ || directive.kind == DirectiveKind::unroll_;
  if (marks && has_factor) loops.push_back(directive.loops[0] + row(directive.kind).name[0]);
  if (directive.kind == DirectiveKind::pack_ || directive.kind == DirectiveKind::prefetch_)
    for (int axis = 0; axis < kMostAxes; ++axis)
      loops.push_back(fmt::format("{}{}", directive.operand, axis));
  return loops;
}

}  // namespace

DirectiveMatch::DirectiveMatch(const ast::Directive& directive, const DirectiveRow& row,
                               std::set<std::string>* loops)
    : directive_(directive), loops_(loops) {
  std::istringstream words{std::string(row.form)};
  for (std::string word; words >> word;) form_.push_back(word);
  result_.kind = static_cast<DirectiveKind>(&row - kDirectives);
  const Span last = directive.words.empty() ? directive.name.span : directive.words.back().span;
  result_.span = lexer::join(directive.name.span, last);
}

std::optional<DirectiveMatch::Mistake> DirectiveMatch::run() {
  bool optional = false;
  for (std::string word : form_) {
    if (word.starts_with('[')) {
      if (at_end()) break;
      optional = true;
      word.erase(0, 1);
    }
    if (optional && word.ends_with(']')) word.pop_back();
    if (auto mistake = step(word)) return mistake;
  }
  if (!at_end()) return Mistake{word().span, "the directive should end here"};
  if (!loops_) return std::nullopt;
  if (!result_.made.empty())
    for (const std::string& used : result_.loops) loops_->erase(used);
  for (const std::string& made : result_.made) loops_->insert(made);
  for (const std::string& made : unnamed_loops(result_, factor_ != nullptr)) loops_->insert(made);
  return std::nullopt;
}

bool DirectiveMatch::takes_sign(char sign) {
  if (at_end() || word().sign != sign) return false;
  next_++;
  return true;
}

std::optional<DirectiveMatch::Mistake> DirectiveMatch::step(const std::string& want) {
  if (want == "loops") {
    do {
      if (auto mistake = loop()) return mistake;
    } while (takes_sign(','));
    return std::nullopt;
  }
  if (want == "loop") return loop();
  if (want == ",")
    return takes_sign(',') ? std::nullopt : std::optional(Mistake{place(), "expected `,`"});
  if (want == "factor") {
    const bool is_factor = !at_end() && (word().factor || !word().name.empty());
    if (!is_factor) return Mistake{place(), "expected a factor"};
    factor_ = &directive_.words[next_++];
    return std::nullopt;
  }
  if (want == "operand") {
    if (at_end() || word().name.empty()) return Mistake{place(), "expected the name of a tensor"};
    result_.operand = directive_.words[next_++].name;
    return std::nullopt;
  }
  if (at_end() || word().name.empty()) return Mistake{place(), expected(want)};
  const DirectiveWord& found = directive_.words[next_++];
  if (want != "new")
    return found.name == want ? std::nullopt : std::optional(Mistake{found.span, expected(want)});
  if ((loops_ && loops_->contains(found.name)) || std::ranges::count(result_.made, found.name))
    return Mistake{found.span, fmt::format("there is a loop `{}` already", found.name)};
  result_.made.push_back(found.name);
  return std::nullopt;
}

std::optional<DirectiveMatch::Mistake> DirectiveMatch::loop() {
  if (at_end() || word().name.empty()) return Mistake{place(), "expected the name of a loop"};
  const DirectiveWord& found = directive_.words[next_++];
  if (loops_ && !loops_->contains(found.name))
    return Mistake{found.span, fmt::format("there is no loop `{}`", found.name)};
  if (std::ranges::count(result_.loops, found.name))
    return Mistake{found.span, fmt::format("loop `{}` is named twice", found.name)};
  result_.loops.push_back(found.name);
  return std::nullopt;
}

namespace {

/// Names, numbers, and signs, each by itself.
std::vector<DirectiveWord> words_of(std::string_view text, Span span) {
  std::vector<DirectiveWord> words;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
      ++end;
    if (end > at) words.push_back({span, std::string(text.substr(at, end - at)), {}});
    else if (text[end++] != ' ') words.push_back({span, {}, {}, text[at]});
    at = end;
  }
  return words;
}

}  // namespace

std::optional<Directive> parse_directive(std::string_view text, Span span, std::string* mistake) {
  std::vector<DirectiveWord> words = words_of(text, span);
  ast::Directive read{{words.empty() ? "" : words[0].name, span}, {}};
  const auto* row = std::ranges::find(kDirectives, read.name.text, &DirectiveRow::name);
  if (row == std::end(kDirectives)) {
    *mistake = fmt::format("there is no directive `{}`", read.name.text);
    return {};
  }
  read.words = {std::make_move_iterator(words.begin() + 1), std::make_move_iterator(words.end())};
  DirectiveMatch match(read, *row, nullptr);
  const auto wrong = match.run();
  Directive directive = match.result();
  if (!wrong && match.factor() != nullptr) {
    const std::string& number = match.factor()->name;
    const char* end = number.data() + number.size();
    const auto [at, failed] = std::from_chars(number.data(), end, directive.factor);
    if (failed != std::errc() || at != end || directive.factor < 1) directive.factor = -1;
  }
  if (!wrong && directive.factor >= 0) return directive;
  *mistake = fmt::format("{}; it is written `{}`", wrong ? wrong->what : "a factor is at least 1", form_of(*row));
  return {};
}

}  // namespace tenon::ast::typed
