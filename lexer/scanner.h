// The scanner: source text in, one token at a time out (scanner.re, made into C++ by re2c).
#pragma once
#include <string_view>

#include "lexer/diag.h"
#include "lexer/source.h"

namespace tenon::lexer {

enum class TokenKind : uint8_t {
#define TOKEN(name, text, group) name,
#include "lexer/tokens.def"
};
enum class TokenGroup : uint8_t { keyword, type, reduction, punctuation, literal, end };

struct TokenRow {
  std::string_view name, text;
  TokenGroup group;
};
inline constexpr TokenRow kTokens[] = {
#define TOKEN(name, text, group) {#name, text, TokenGroup::group},
#include "lexer/tokens.def"
};
constexpr const TokenRow& row(TokenKind kind) {
  return kTokens[static_cast<int>(kind)];
}

struct Token {
  TokenKind kind;
  Span span;
};

/// Reads the tokens of one file. Wrong characters, numbers and strings are reported and scanning
/// goes on behind them, so that one run finds several.
class Scanner {
 public:
  Scanner(const SourceMap& sources, uint32_t file, Diagnostics& diagnostics);
  /// The next token; at the end of the text (or once the diagnostics are full) end_of_file.
  Token next();

 private:
  void skip_comment();
  void scan_string(const char* quote);
  Span span_from(const char* begin) const;
  void skip_foreign_comment();
  void report_character(Span span, std::string hint, std::string meant = {});
  std::vector<Edit> instead(Span span, std::string meant) const;
  void report_bytes(const char* begin);

  std::string_view text_;
  uint32_t file_;
  const char* cursor_;
  Diagnostics& diagnostics_;
};

/// What a string token stands for: without quotes, escapes replaced.
std::string string_value(std::string_view token_text);

}  // namespace tenon::lexer
