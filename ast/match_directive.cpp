#include "ast/match_directive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>

#include "runtime/nearest.h"

namespace tenon::ast::typed {

namespace {

std::string expected(const std::string& want) {
  return want == "new" ? "expected a name for the new loop" : fmt::format("expected `{}`", want);
}

/// What a directive calls the loops that it makes without being told how (opt/loops/mark.cpp, pack.cpp,
/// prefetch.cpp and at.cpp); how many a copy has, the checker does not know.
std::vector<std::string> unnamed_loops(const Directive& directive, bool has_factor) {
  constexpr size_t kMostAxes = 8;
  std::vector<std::string> loops;
  const bool marks =
      directive.kind == DirectiveKind::vectorize_ || directive.kind == DirectiveKind::unroll_;
  if (marks && has_factor) loops.push_back(directive.loops[0] + row(directive.kind).name[0]);
  const bool copies = directive.kind == DirectiveKind::pack_ || directive.kind == DirectiveKind::prefetch_;
  if (copies || directive.kind == DirectiveKind::at_)
    for (size_t axis = 0; axis < kMostAxes; ++axis)
      loops.push_back(copy_loop(directive.operand, axis));
  return loops;
}

}  // namespace

DirectiveMatch::DirectiveMatch(const ast::Directive& directive, const DirectiveRow& row,
                               LoopNames* loops)
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
  if (loops_) make_loops();
  return std::nullopt;
}

void DirectiveMatch::make_loops() {
  const auto make = [&](const std::string& made) {
    loops_->present.insert(made);
    loops_->gone.erase(made);
  };
  if (!result_.made.empty())
    for (const std::string& used : result_.loops) {
      loops_->present.erase(used);
      loops_->gone[used] = result_.span;
    }
  std::ranges::for_each(result_.made, make);
  std::ranges::for_each(unnamed_loops(result_, factor_ != nullptr), make);
}

/// The next word; behind the last one, what comes there.
Span DirectiveMatch::place() const {
  if (!at_end()) return word().span;
  const uint32_t end = result_.span.end;
  return {result_.span.file, end, end};
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
    while (takes_sign('.')) {
      if (at_end() || word().name.empty()) return Mistake{place(), "expected the name of a field"};
      result_.operand += '.' + directive_.words[next_++].name;
    }
    return std::nullopt;
  }
  if (at_end() || word().name.empty()) return Mistake{place(), expected(want)};
  const DirectiveWord& found = directive_.words[next_++];
  if (want != "new")
    return found.name == want ? std::nullopt : std::optional(Mistake{found.span, expected(want)});
  if ((loops_ && loops_->present.contains(found.name)) || std::ranges::count(result_.made, found.name))
    return Mistake{found.span, fmt::format("there is a loop `{}` already", found.name), {}, false};
  result_.made.push_back(found.name);
  return std::nullopt;
}

std::optional<DirectiveMatch::Mistake> DirectiveMatch::loop() {
  if (at_end() || word().name.empty()) return Mistake{place(), "expected the name of a loop"};
  const DirectiveWord& found = directive_.words[next_++];
  if (loops_ && !loops_->present.contains(found.name)) return no_loop(found);
  if (std::ranges::count(result_.loops, found.name))
    return Mistake{found.span, fmt::format("loop `{}` is named twice", found.name), {}, false};
  result_.loops.push_back(found.name);
  return std::nullopt;
}

DirectiveMatch::Mistake DirectiveMatch::no_loop(const DirectiveWord& found) const {
  Mistake mistake{found.span, "", {}, false};
  if (const auto shared = loops_->shared.find(found.name); shared != loops_->shared.end()) {
    mistake.what = fmt::format("several loops are called `{}`", found.name);
    for (const Span index : shared->second) mistake.notes.push_back({index, "it is bound here"});
  } else if (const auto gone = loops_->gone.find(found.name); gone != loops_->gone.end()) {
    mistake.what = fmt::format("there is no loop `{}` any more", found.name);
    mistake.notes.push_back({gone->second, "this has made other loops of it"});
  } else {
    mistake.what = fmt::format("there is no loop `{}`", found.name);
    mistake.unknown = found.name;
  }
  return mistake;
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
    std::vector<std::string> names;
    for (const DirectiveRow& known : kDirectives) names.emplace_back(known.name);
    const std::string near = runtime::nearest(read.name.text, names);
    *mistake = fmt::format("there is no directive `{}`{}", read.name.text,
                           near.empty() ? "" : fmt::format("; did you mean `{}`?", near));
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
