// Tokens of the text forms. Inside a function a line is a statement, so that ends of lines are
// tokens there, except inside further brackets; in a loop nest, inside any number of braces.
#pragma once
#include <string>
#include <string_view>
#include <unordered_set>

#include "lexer/diag.h"

namespace tenon::ir {

enum class TokenKind : uint8_t {
  end,       // of the text
  newline,   // one or more ends of line
  name,      // jump, i, f32
  value,     // %x
  function,  // @f
  number,    // 3, 1.0e-05f64; the suffix is part of it
  string,    // "text"
  symbol,    // + - * / % == != < <= > >= = ( ) [ ] { } , : -> ..
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  ///< without % and @, with the quotes of strings
  lexer::Span span;
  bool is(TokenKind k, std::string_view t) const { return kind == k && text == t; }
};

/// Thrown once an error has been reported: the rest of the function makes no sense.
struct SyntaxError {};

/// A place in the text: tokens can be read again from there.
struct TextPosition {
  uint32_t offset = 0;
  uint32_t open_brackets = 0;
};

/// What an end of line is inside of braces.
enum class Braces : uint8_t {
  expressions,  ///< a blank, but inside the outermost ones
  blocks,       ///< a token
};

class TextScanner {
 public:
  TextScanner(std::string_view text, uint32_t file, lexer::Diagnostics& diagnostics,
              Braces braces = Braces::expressions);

  const Token& peek() const { return token_; }
  Token take();
  Token peek_second() const;
  lexer::Span last_span() const { return last_span_; }  ///< of what was taken last

  bool at(std::string_view symbol) const { return token_.is(TokenKind::symbol, symbol); }
  bool at_name(std::string_view name) const { return token_.is(TokenKind::name, name); }
  bool accept(std::string_view symbol);
  bool accept_name(std::string_view name);
  void expect(std::string_view symbol);
  void expect_name(std::string_view name);
  /// Takes a token of that kind, or fails with "expected `what`".
  Token expect(TokenKind kind, std::string_view what);
  void skip_newlines();

  /// Of the token that peek() shows.
  TextPosition position() const { return position_; }
  void seek(TextPosition position);
  /// Goes on at the next line that starts with `word`, or at the end.
  void skip_to(std::string_view word);

  [[noreturn]] void fail(lexer::Span span, std::string message);
  [[noreturn]] void fail_expected(std::string_view what);

 private:
  Token scan();
  Token token_from(uint32_t begin, TokenKind kind, uint32_t sigil = 0) const;
  bool skip_blanks();
  void scan_name();
  void scan_number();
  void scan_string();
  char char_at(uint32_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }

  std::string_view text_;
  uint32_t file_;
  lexer::Diagnostics& diagnostics_;
  Braces braces_;
  uint32_t at_ = 0, open_brackets_ = 0;
  TextPosition position_;
  Token token_;
  lexer::Span last_span_;
};

}  // namespace tenon::ir
