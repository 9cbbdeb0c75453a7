// The scanner of the text form, by hand: its tokens are few, and it can be set back to any place.
#include "ir/text_scanner.h"

#include <algorithm>

namespace tenon::ir {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool continues_name(char c) {
  return starts_name(c) || is_digit(c);
}

/// Longer ones first.
constexpr std::string_view kSymbols[] = {"->", "=>", "..", "==", "!=", "<=", ">=", "<",
                                         ">",  "=",  "+",  "-",  "*",  "/",  "%",  "(",
                                         ")",  "[",  "]",  "{",  "}",  ",",  ":"};

std::string shown(const Token& token) {
  if (token.kind == TokenKind::end) return "the end of the text";
  if (token.kind == TokenKind::newline) return "the end of the line";
  const char* sigil = token.kind == TokenKind::value      ? "%"
                      : token.kind == TokenKind::function ? "@"
                                                          : "";
  return fmt::format("`{}{}`", sigil, token.text.substr(0, 40));
}

}  // namespace

TextScanner::TextScanner(std::string_view text, uint32_t file, lexer::Diagnostics& diagnostics,
                         Braces braces)
    : text_(text), file_(file), diagnostics_(diagnostics), braces_(braces) {}

void TextScanner::fail(lexer::Span span, std::string message) {
  diagnostics_.report(lexer::Diag::ir_syntax, span, message);
  throw SyntaxError();
}

void TextScanner::fail_expected(std::string_view what) {
  fail(token_.span, fmt::format("expected {}, found {}", what, shown(token_)));
}

// ---- the current token

Token TextScanner::take() {
  const Token token = token_;
  last_span_ = token.span;
  seek({at_, open_brackets_});
  return token;
}

void TextScanner::seek(TextPosition position) {
  at_ = position.offset;
  open_brackets_ = position.open_brackets;
  const bool ended_line = skip_blanks();
  position_ = {at_, open_brackets_};
  const uint32_t most_open = braces_ == Braces::blocks ? 0 : 1;
  if (ended_line && open_brackets_ <= most_open) {
    token_ = {TokenKind::newline, {}, {file_, position.offset, position.offset}};
  } else {
    token_ = scan();
  }
}

Token TextScanner::peek_second() const {
  TextScanner ahead = *this;
  ahead.take();
  return ahead.token_;
}

bool TextScanner::accept_name(std::string_view name) {
  const bool found = at_name(name);
  if (found) take();
  return found;
}

bool TextScanner::accept(std::string_view symbol) {
  if (!at(symbol)) return false;
  take();
  return true;
}

void TextScanner::expect(std::string_view symbol) {
  if (!accept(symbol)) fail_expected(fmt::format("`{}`", symbol));
}

void TextScanner::expect_name(std::string_view name) {
  if (!at_name(name)) fail_expected(fmt::format("`{}`", name));
  take();
}

Token TextScanner::expect(TokenKind kind, std::string_view what) {
  if (token_.kind != kind) fail_expected(what);
  return take();
}

void TextScanner::skip_newlines() {
  while (token_.kind == TokenKind::newline) take();
}

void TextScanner::skip_to(std::string_view word) {
  // The token that failed, or the first behind the newline that did, may be the next one.
  const bool from_before = token_.kind == TokenKind::newline || at_name(word);
  const uint32_t from = position_.offset - (from_before && position_.offset > 0 ? 1 : 0);
  const size_t next = text_.find(fmt::format("\n{}", word), from);
  at_ = static_cast<uint32_t>(std::min(next, text_.size()));
  open_brackets_ = 0;
  token_ = {TokenKind::newline, {}, {file_, at_, at_}};
}

// ---- characters to tokens

/// Whether an end of line was among what it skipped.
bool TextScanner::skip_blanks() {
  bool ended_line = false;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == ';') at_ = static_cast<uint32_t>(std::min(text_.find('\n', at_), text_.size()));
    if (char_at(at_) == '\n') ended_line = true;
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != ';') break;
  }
  at_ = static_cast<uint32_t>(std::min<size_t>(at_, text_.size()));
  return ended_line;
}

Token TextScanner::token_from(uint32_t begin, TokenKind kind, uint32_t sigil) const {
  return {kind, text_.substr(begin + sigil, at_ - begin - sigil), {file_, begin, at_}};
}

Token TextScanner::scan() {
  const uint32_t begin = at_;
  if (at_ >= text_.size()) return token_from(begin, TokenKind::end);
  const char c = text_[at_];
  if ((c == '%' || c == '@') && starts_name(char_at(at_ + 1))) {
    ++at_;
    scan_name();
    return token_from(begin, c == '%' ? TokenKind::value : TokenKind::function, 1);
  }
  if (starts_name(c)) {
    scan_name();
    return token_from(begin, TokenKind::name);
  }
  if (is_digit(c)) {
    scan_number();
    return token_from(begin, TokenKind::number);
  }
  if (c == '"') {
    scan_string();
    return token_from(begin, TokenKind::string);
  }
  for (const std::string_view symbol : kSymbols) {
    if (text_.substr(at_, symbol.size()) != symbol) continue;
    at_ += static_cast<uint32_t>(symbol.size());
    const bool braces = braces_ == Braces::expressions;
    if (c == '(' || c == '[' || (c == '{' && braces)) ++open_brackets_;
    const bool closes = c == ')' || c == ']' || (c == '}' && braces);
    if (closes && open_brackets_ > 0) --open_brackets_;
    return token_from(begin, TokenKind::symbol);
  }
  ++at_;
  fail({file_, begin, at_}, "unexpected character");
}

/// A dot belongs to a name only between its other characters: `%n..5` is a range.
void TextScanner::scan_name() {
  while (continues_name(char_at(at_)) || (char_at(at_) == '.' && continues_name(char_at(at_ + 1))))
    ++at_;
}

void TextScanner::scan_number() {
  auto digits = [&] {
    while (is_digit(char_at(at_))) ++at_;
  };
  digits();
  if (char_at(at_) == '.' && is_digit(char_at(at_ + 1))) {
    ++at_;
    digits();
  }
  if (char_at(at_) == 'e') {
    const char sign = char_at(at_ + 1);
    const uint32_t skip = sign == '+' || sign == '-' ? 2 : 1;
    if (is_digit(char_at(at_ + skip))) {
      at_ += skip;
      digits();
    }
  }
  while (continues_name(char_at(at_))) ++at_;
}

void TextScanner::scan_string() {
  const uint32_t begin = at_++;
  while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n')
    at_ += text_[at_] == '\\' ? 2 : 1;
  if (char_at(at_) != '"') {
    at_ = static_cast<uint32_t>(std::min<size_t>(at_, text_.size()));
    fail({file_, begin, at_}, "this string has no closing quote on its line");
  }
  ++at_;
}

}  // namespace tenon::ir
