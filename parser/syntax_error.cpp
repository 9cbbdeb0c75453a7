#include "parser/syntax_error.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace tenon::parser {

using lexer::Diag;
using lexer::Edit;
using lexer::Hint;
using lexer::Span;
using lexer::Token;
using lexer::TokenGroup;
using lexer::TokenKind;
using enum lexer::TokenKind;

namespace {

constexpr size_t kMaxNamed = 4;  // more expected tokens than these help nobody

using Kinds = std::vector<TokenKind>;

bool has(const Kinds& kinds, TokenKind kind) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

/// Many expected tokens have one name: `words`, where all of `signs` are expected. It stands for
/// these, for `members` and for all tokens of `groups`.
struct Category {
  std::string_view words;
  Kinds signs, members;
  std::vector<TokenGroup> groups;

  bool covers(TokenKind kind) const {
    return has(signs, kind) || has(members, kind) ||
           std::ranges::find(groups, row(kind).group) != groups.end();
  }
};

const std::vector<Category>& categories() {
  using enum TokenGroup;
  static const std::vector<Category> kCategories = {
      {"`fn`, `struct`, `const`, `import`", {kw_fn, kw_import}, {kw_const, kw_struct}, {}},
      {"a statement",
       {kw_let, kw_while},
       {kw_var, kw_return, kw_if, kw_for, kw_break, kw_continue, kw_true, kw_false, left_paren,
        left_bracket},
       {literal, type, reduction}},
      {"an expression",
       {integer, kw_not},
       {minus, kw_true, kw_false, kw_if, kw_grad, left_paren, left_bracket, colon, dot_dot_dot},
       {literal, type, reduction}},
      {"a name", {name, type_f32, red_sum}, {}, {type, reduction}},
      {"a type", {type_f32, type_bool}, {name, left_paren}, {type}},
      // An operator could follow every expression: saying so is no help.
      {"",
       {plus, star},
       {kw_or, kw_and, equal, not_equal, less, less_equal, greater, greater_equal, minus, slash,
        percent, at, star_star, left_paren, left_bracket, dot},
       {}},
      {"", {left_paren, left_bracket, dot}, {}, {}},  // nor that it could be called
      {"", {kw_schedule}, {}, {}},
      {"a name", {name, left_paren}, {}, {}},  // the parenthesis is that of a tuple
      {"`,`", {comma, assign}, {}, {}},        // `=` would make it an argument with a name
      {"an assignment",
       {assign, plus_assign, minus_assign},
       {star_assign, slash_assign, percent_assign},
       {}},
  };
  return kCategories;
}

std::string spelled(TokenKind kind) {
  const auto& token = row(kind);
  if (token.group == TokenGroup::end) return std::string(token.text);
  if (token.group != TokenGroup::literal) return fmt::format("`{}`", token.text);
  return fmt::format("{} {}", kind == integer ? "an" : "a", token.text);
}

/// `a`, `b` or `c`
std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  }
  return text;
}

std::string expected_words(Kinds expected) {
  std::vector<std::string> words;
  for (const Category& category : categories()) {
    auto is_expected = [&](TokenKind kind) { return has(expected, kind); };
    if (!std::ranges::all_of(category.signs, is_expected)) continue;
    if (!category.words.empty()) words.emplace_back(category.words);
    std::erase_if(expected, [&](TokenKind kind) { return category.covers(kind); });
  }
  // What ends the construct says most: `;`, `)`, `}`.
  std::stable_partition(expected.begin(), expected.end(),
                        [](TokenKind kind) { return kind != name; });
  for (TokenKind kind : expected) words.push_back(spelled(kind));
  if (words.size() > kMaxNamed) words.resize(kMaxNamed);
  return alternatives(words);
}

/// What a reader of other languages may write, and what Tenon writes for it.
struct Foreign {
  std::string_view theirs, ours;
};
constexpr Foreign kForeign[] = {
    {"elif", "else if"}, {"elsif", "else if"}, {"def", "fn"},   {"func", "fn"},
    {"function", "fn"},  {"mut", "var"},       {"auto", "let"}, {"loop", "while true"},
};

/// Everything a hint may depend on.
struct Situation {
  const Kinds& expected;
  const Token &found, &previous, &before;
  std::string_view found_text, previous_text, next_character;
  bool on_next_line;
  bool comment_ends_statement;  ///< a comment that ends in `;` stands in between

  bool expects(TokenKind kind) const { return has(expected, kind); }
  bool expects_operator() const { return expects(plus) && expects(star); }
};

Edit replaced(const Token& token, std::string text) { return {token.span, std::move(text)}; }

Edit insertion_behind(const Token& token, std::string text) {
  return {{token.span.file, token.span.end, token.span.end}, std::move(text)};
}

/// Whether a statement or an item may begin behind this token.
bool ends_something(const Token& token) {
  return token.kind == semicolon || token.kind == left_brace || token.kind == right_brace ||
         token.span.end == 0;
}

std::optional<Hint> foreign_word(const Situation& at) {
  for (const Foreign& word : kForeign) {
    const bool is_found = at.found_text == word.theirs && at.found.kind == name;
    if (!is_found && at.previous_text != word.theirs) continue;
    const Token& place = is_found ? at.found : at.previous;
    const Token& before = is_found ? at.previous : at.before;
    Hint hint{fmt::format("instead of `{}` write `{}`", word.theirs, word.ours), {}};
    if (word.theirs == "mut") {  // of `let mut x` the `let` goes, too
      hint.edits = {{join(before.span, place.span), std::string(word.ours)}};
      if (before.kind != kw_let) hint.edits.clear();
    } else if (place.kind == name && ends_something(before)) {
      hint.edits = {{place.span, std::string(word.ours)}};
    }
    return hint;
  }
  return std::nullopt;
}

/// A statement that lacks its `;`: the next one, or the end of the block, is there.
std::optional<Hint> missing_semicolon(const Situation& at) {
  if (at.comment_ends_statement) return Hint{"`//` begins a comment; `/` divides", {}};
  const bool ends_block = at.found.kind == right_brace && !at.expects(right_brace);
  if (!at.expects(semicolon) || !(at.on_next_line || ends_block)) return std::nullopt;
  Hint hint{"write `;` behind the statement", {}};
  const TokenGroup group = row(at.found.kind).group;
  const bool begins_statement =
      at.found.kind == name || at.found.kind == end_of_file || group == TokenGroup::keyword;
  if (ends_block || begins_statement) hint.edits.push_back(insertion_behind(at.previous, ";"));
  return hint;
}

/// `=` for `==`, `==` for `=`, `++`.
std::optional<Hint> wrong_operator(const Situation& at) {
  const TokenKind found = at.found.kind;
  const Span here = at.found.span;
  if (found == assign && at.next_character == ">") {
    return Hint{"functions have names: write an `fn`, outside", {}};
  }
  if (found == assign && at.expects(equal)) {
    Hint hint{"`=` assigns; `==` compares", {}};
    if (at.expects(left_brace)) hint.edits.push_back({here, "=="});  // in the condition of an `if`
    return hint;
  }
  if (found == colon && at.previous.kind == right_paren && at.expects(arrow)) {
    return Hint{"the type of the result stands behind `->`", {{here, " ->"}}};
  }
  if (found == equal && at.expects(assign)) return Hint{"`==` compares; `=` assigns", {{here, "="}}};
  const bool doubled = (found == plus || found == minus) && at.found_text == at.next_character;
  if (doubled && at.expects(assign)) {
    return Hint{fmt::format("write `{}= 1`", at.found_text),
                {{{here.file, here.begin, here.end + 1}, fmt::format(" {}= 1", at.found_text)}}};
  }
  return std::nullopt;
}

/// A comma too many, one of another kind, a type where other languages have it.
std::optional<Hint> misplaced(const Situation& at) {
  const TokenKind found = at.found.kind, previous = at.previous.kind;
  const bool closes = found == right_paren || found == right_bracket || found == right_brace;
  if (closes && previous == comma) return Hint{"there is no comma behind the last", {replaced(at.previous, "")}};
  if (found == semicolon && at.expects(comma) && at.expects(right_brace) && !at.expects(right_paren)) {
    return Hint{"commas stand between fields", {replaced(at.found, ",")}};
  }
  const bool binds = previous == kw_let || previous == kw_var;
  if (binds && row(found).group == TokenGroup::type) {
    return Hint{fmt::format("the type stands behind the name: `x: {}`", row(found).text), {}};
  }
  return std::nullopt;
}

/// Whether a value, and no block, has to follow.
bool begins_value(TokenKind kind) {
  return kind == assign || kind == kw_return || kind == left_paren || kind == comma;
}

/// What belongs to other languages' expressions and types.
std::string foreign_form(const Situation& at) {
  const TokenKind found = at.found.kind, previous = at.previous.kind;
  const bool expects_value = at.expects(integer) && at.expects(kw_not);
  if (found == left_bracket && at.expects(type_f32) && !expects_value) return "a tensor's type is written `f32[3]`";
  if (found == left_brace && expects_value && begins_value(previous)) return "a tensor is written `[a, b]`";
  if (found == left_brace && previous == name && at.expects_operator() && at.expects(semicolon)) {
    return fmt::format("a record is made by `{}(x = …)`", at.previous_text);
  }
  if (found == right_bracket && previous == left_bracket && expects_value) {
    return "a tensor without elements is written `let t: f32[0] = zeros();`";
  }
  if (found == colon && at.expects(right_bracket) && at.expects_operator()) {
    return "a part of an axis is an index definition: `let y[i: 0..2] = x[i];`";
  }
  if (at.on_next_line) return "";
  if (found == kw_if && at.expects_operator()) return "a choice is written `if c { a } else { b }`";
  if (found == kw_for && at.expects_operator()) {
    return "the elements of a tensor are defined by their index: `let t[i: 3] = …;`";
  }
  if ((found == right_paren || found == comma) && previous == name && at.expects(colon) &&
      !at.expects_operator()) {
    return fmt::format("a parameter has a type: `{}: f32`", at.previous_text);
  }
  if (found == assign && at.expects(right_paren) && at.expects(comma) && !at.expects_operator()) {
    return "only parameters in brackets have defaults: `fn f[N = 1](…)`";
  }
  return "";
}

/// The likely mistake, if there is one.
std::string advice(const Situation& at) {
  TokenKind found = at.found.kind, previous = at.previous.kind;
  bool is_word = row(found).group == TokenGroup::keyword || row(found).group == TokenGroup::type ||
                 row(found).group == TokenGroup::reduction;
  if (found == star_star || found == star || found == slash || found == plus || found == minus) {
    if (at.expects(plus_assign)) {
      return "a statement is an assignment or a call; a value gets a name by `let`";
    }
  }
  if ((previous == kw_for && found == left_paren) ||
      (at.expects(dot_dot) && !at.expects(right_bracket))) {
    return "a loop runs over a range: `for i in 0..n { … }`";
  }
  if (previous == string && row(found).group == TokenGroup::punctuation) {
    return "strings are literals, and are not computed with";
  }
  if (found == kw_const) return "a `const` stands outside of functions";
  if (found == kw_import) return "an `import` stands outside of functions";
  if (found == kw_let || found == kw_var || found == kw_while || found == kw_for ||
      found == kw_return) {
    if (at.expects(kw_fn)) return "statements stand inside functions";
  }
  if (found == right_brace && at.expects(kw_fn)) return "there is one `}` too many";
  if (at.expects(kw_else) && at.expects_operator()) return "";
  if (previous == right_brace && at.expects(kw_else)) {
    return "an `if` that gives a value needs an `else`";
  }
  if (previous == right_brace && (found == left_bracket || found == left_paren)) {
    return "put the `if` expression in parentheses";
  }
  if (is_word && at.expects(name) && !at.expects(integer)) {
    return fmt::format("`{}` is a reserved word", row(found).text);
  }
  if (row(previous).group == TokenGroup::reduction && at.expects(left_bracket)) {
    return fmt::format(
        "a reduction names its indices, `{0}[i] x[i]`; a call has its arguments in "
        "parentheses, `{0}(a, b)`",
        row(previous).text);
  }
  return "";
}

std::optional<Hint> hint(const Situation& at) {
  if (auto found = foreign_word(at)) return found;
  if (auto found = wrong_operator(at)) return found;
  if (auto found = misplaced(at)) return found;
  if (std::string text = foreign_form(at); !text.empty()) return Hint{std::move(text), {}};
  if (std::string text = advice(at); !text.empty()) return Hint{std::move(text), {}};
  return missing_semicolon(at);
}

bool on_different_lines(const TokenFeed& tokens, Span a, Span b) {
  std::string_view between = tokens.text({a.file, a.end, b.begin});
  return between.find('\n') != std::string_view::npos;
}

/// A `{` that begins no block: `{1.0, 2.0}`, `P { x: 1.0 }`.
bool is_misplaced_brace(const Kinds& expected, const Token& found, const Token& previous) {
  if (found.kind != left_brace) return false;
  return (has(expected, integer) && begins_value(previous.kind)) || (previous.kind == name && has(expected, plus) && has(expected, semicolon));
}

/// Whether `//` stands behind `a`, and a `;` at the end of that line: `7 // 2;`.
bool comment_ends_statement(const TokenFeed& tokens, Span a) {
  std::string_view line = tokens.text({a.file, a.end, a.end + 200});
  line = line.substr(0, line.find('\n'));
  return line.find("//") != line.npos && line.ends_with(';');
}

/// The bracket that the expected closer would close.
const Token* unclosed(const TokenFeed& tokens, const Kinds& expected) {
  if (tokens.open().empty()) return nullptr;
  const Token& inner = tokens.open().back();
  bool closes = (inner.kind == left_paren && has(expected, right_paren)) ||
                (inner.kind == left_bracket && has(expected, right_bracket));
  return closes ? &inner : nullptr;
}

}  // namespace

void report_syntax_error(TokenFeed& tokens, std::span<const TokenKind> expected_tokens) {
  if (tokens.is_consequence()) return;
  const Kinds expected(expected_tokens.begin(), expected_tokens.end());
  const Token found = tokens.current(), previous = tokens.previous();
  // An `else` whose `if` had an error; what is left of a function that was closed too early.
  const bool lost = (found.kind == kw_else && has(expected, kw_let) && tokens.diagnostics().any()) ||
                    (tokens.has_made_up() && has(expected, kw_fn));
  if (lost) return;
  if (found.kind == string) {
    tokens.diagnostics().report(Diag::misplaced_string, found.span);
    return;
  }
  bool on_next_line = on_different_lines(tokens, previous.span, found.span);
  // A missing `;` is missing behind the last token, not in front of what the next line begins with.
  bool lacks_semicolon = on_next_line && has(expected, semicolon);
  Span place =
      lacks_semicolon ? Span{previous.span.file, previous.span.end, previous.span.end} : found.span;

  std::string wanted = expected_words(expected);
  auto& diagnostic = tokens.diagnostics().report(
      Diag::syntax_error, place,
      wanted.empty() ? fmt::format("unexpected {}", tokens.seen(found))
                     : fmt::format("expected {}, found {}", wanted, tokens.seen(found)));
  if (const Token* open = unclosed(tokens, expected)) {
    if (on_different_lines(tokens, open->span, found.span)) {
      diagnostic.note(open->span, fmt::format("this `{}` is still open", row(open->kind).text));
    }
  }
  Span behind = {found.span.file, found.span.end, found.span.end + 1};
  auto help = hint({expected, found, previous, tokens.before_previous(), tokens.text(found.span),
                    tokens.text(previous.span), tokens.text(behind), on_next_line,
                    on_next_line && comment_ends_statement(tokens, previous.span)});
  if (help) diagnostic.hint(std::move(help->text), std::move(help->edits));
  if (found.kind == left_paren || found.kind == left_bracket || is_misplaced_brace(expected, found, previous))
    tokens.pass_over(found.kind);
  if (found.kind == kw_for && !tokens.open().empty() && tokens.open().back().kind != left_brace)
    tokens.pass_over(tokens.open().back().kind);
}

}  // namespace tenon::parser
