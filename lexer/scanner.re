// The scanner's automaton, in re2c's language: definitions of character sets and shapes, then rules
// `shape { what to do }`. Of several rules that match, the longest match wins, then the first rule.
//
// re2c turns each block between its comment marks into C++: a state is a label, reading a character
// a switch. In a rule, `cursor_` is behind what was matched.
#include "lexer/scanner.h"

#include <cctype>
#include <unordered_map>

#include "lexer/literals.h"

namespace tenon::lexer {
namespace {

using enum TokenKind;

// [snippet kind-of]
/// The kind of a fixed spelling; `name` for every other word.
TokenKind kind_of(std::string_view text) {
  static const auto* const kinds = [] {
    auto* map = new std::unordered_map<std::string_view, TokenKind>;
    for (size_t i = 0; i < std::size(kTokens); ++i) {
      TokenGroup group = kTokens[i].group;
      if (group == TokenGroup::literal || group == TokenGroup::end) continue;
      map->emplace(kTokens[i].text, static_cast<TokenKind>(i));
    }
    return map;
  }();
  auto found = kinds->find(text);
  return found == kinds->end() ? name : found->second;
}
// [end]

}  // namespace

Scanner::Scanner(const SourceMap& sources, uint32_t file, Diagnostics& diagnostics)
    : text_(sources.file(file).text()),
      file_(file),
      cursor_(text_.data()),
      diagnostics_(diagnostics) {
  if (text_.starts_with("\ufeff")) cursor_ += 3;  // the mark some editors put before UTF-8
}

/*!re2c
  re2c:api:style = free-form;
  re2c:define:YYCTYPE = "unsigned char";
  re2c:define:YYCURSOR = cursor_;
  re2c:define:YYLIMIT = limit;
  re2c:define:YYMARKER = marker;
  re2c:yyfill:enable = 0;
  re2c:eof = 0;           // the NUL behind the text ends it; one inside the text does not
  re2c:encoding:utf8 = 1; // shapes are over characters; bytes that are none match only `*`

  any     = [\x00-\ud7ff\ue000-\U0010ffff];
  blank   = [ \t\r\n];
  // [snippet numbers]
  // [snippet shapes]
  digit   = [0-9];
  letter  = [A-Za-z_];
  hex     = [0-9A-Fa-f];

  word     = letter (letter | digit)*;
  digits   = digit ("_"? digit)*;
  decimal  = "0" | [1-9] ("_"? digit)*;
  // [end]
  // [exercise literals]
  // [starter] integer  = decimal;
  // [starter] floating = decimal "." digits;
  integer  = decimal | "0x" hex ("_"? hex)*;
  exponent = [eE] [+-]? digits;
  floating = decimal ("." digits exponent? | exponent);
  // [end]
  // [end]

  // [snippet like-number]
  // What begins like a number and is none. Each is at least as long as the number in front of it.
  like_number = digit (letter | digit)* ("." digit (letter | digit)*)?
              | digit [0-9_]* ("." [0-9_]+)? [eE] [+-] (letter | digit)*
              | decimal "."
              | "." digits;
  // [end]

  punctuation = [()[\]{},;:.] | ".." | "..." | "->"
              | "=" | "+=" | "-=" | "*=" | "/=" | "%="
              | "==" | "!=" | "<" | "<=" | ">" | ">="
              | "+" | "-" | "*" | "/" | "%" | "@" | "**";
*/

Token Scanner::next() {
  const char* const limit = text_.data() + text_.size();
  const char* marker = nullptr;
  while (!diagnostics_.full()) {
    const char* const begin = cursor_;
    auto span = [&] { return span_from(begin); };
    auto text = [&] { return std::string_view(begin, cursor_ - begin); };
    auto token = [&](TokenKind kind) { return Token{kind, span()}; };
    // [snippet rules]
    /*!re2c
      $             { return token(end_of_file); }
      blank+        { continue; }
      "//"          { skip_comment(); continue; }

      word          { return token(kind_of(text())); }
      punctuation   { return token(kind_of(text())); }

      integer       { return token(TokenKind::integer); }
      integer / ".."  { return token(TokenKind::integer); }  // in `0..n` the dots are a range
      floating      { return token(TokenKind::floating); }
      like_number   {
        diagnostics_.report(Diag::malformed_number, span(), shortened(text()))
            .hint(number_hint(text()), instead(span(), number_meant(text())));
        return token(TokenKind::integer);
      }
      ["]           { scan_string(begin); return token(TokenKind::string); }
      // [end]

      // [snippet recovery]
      // Other languages' operators: their meaning is clear, so the parser gets to see it.
      "&&"          { report_character(span(), "write `and`", "and"); return token(kw_and); }
      "||"          { report_character(span(), "write `or`", "or"); return token(kw_or); }
      "!"           { report_character(span(), "write `not`", "not"); return token(kw_not); }
      "&" | "|"     {
        report_character(span(), "between conditions stand `and`, `or`; for bits there are `bit_and`, `bit_or`");
        continue;
      }
      "^" | "~" | "<<" | ">>" {
        report_character(span(), "for bits there are `bit_xor`, `shl`, `shr`");
        continue;
      }
      "'" (any \ ['"\\\n])* "'" {
        report_character(span(), "strings stand in double quotes",
                         fmt::format("\"{}\"", text().substr(1, text().size() - 2)));
        return token(TokenKind::string);
      }
      "'"           { report_character(span(), "strings stand in double quotes"); continue; }
      "?"           { report_character(span(), "choose by `if c { a } else { b }`"); continue; }
      "#"           {
        report_character(span(), "comments begin with `//`", "//");
        skip_comment();
        continue;
      }
      "/*"          {
        report_character(span(), "comments begin with `//`");
        skip_foreign_comment();
        continue;
      }
      any           { report_character(span(), ""); continue; }
      *             { report_bytes(begin); continue; }
      // [end]
    */
  }
  cursor_ = text_.data() + text_.size();
  return {end_of_file, span_from(cursor_)};
}

/// To the end of the line. Text in comments must be UTF-8 too.
void Scanner::skip_comment() {
  const char* const limit = text_.data() + text_.size();
  const char* marker = nullptr;
  for (;;) {
    const char* const begin = cursor_;
    /*!re2c
      $           { return; }
      "\n"        { return; }
      any \ "\n"  { continue; }
      *           { report_bytes(begin); continue; }
    */
  }
}

/// To behind the next `*/`, or to the end. What is wrong in there does not matter.
void Scanner::skip_foreign_comment() {
  const size_t end = text_.find("*/", cursor_ - text_.data());
  cursor_ = text_.data() + (end == text_.npos ? text_.size() : end + 2);
}

/// From behind the opening quote to behind the closing one, or to the end of the line.
void Scanner::scan_string(const char* quote) {
  const char* const limit = text_.data() + text_.size();
  const char* marker = nullptr;
  for (;;) {
    const char* const begin = cursor_;
    /*!re2c
      ["]                   { return; }
      "\\" [nt"\\]          { continue; }
      "\\" (any \ [\n\r])   {
        diagnostics_.report(Diag::unknown_escape, span_from(begin), shortened({begin, cursor_}))
            .hint("the escapes are `\\n`, `\\t`, `\\\"` and `\\\\`");
        continue;
      }
      any \ ["\\\n]         { continue; }
      *                     { report_bytes(begin); continue; }
      "\n"                  { cursor_ = begin; break; }
      "\\"                  { break; }  // the last character of its line
      $                     { break; }
    */
  }
  diagnostics_.report(Diag::unterminated_string, span_from(quote));
}

// [snippet span-from]
Span Scanner::span_from(const char* begin) const {
  return {file_, static_cast<uint32_t>(begin - text_.data()),
          static_cast<uint32_t>(cursor_ - text_.data())};
}
// [end]

/// `meant` is what stands for the characters in Tenon, if anything does.
void Scanner::report_character(Span span, std::string hint, std::string meant) {
  std::string_view text = text_.substr(span.begin, span.end - span.begin);
  auto& diagnostic = diagnostics_.report(Diag::unexpected_character, span, character_name(text));
  if (!hint.empty()) diagnostic.hint(std::move(hint), instead(span, std::move(meant)));
}

/// The edit that puts `meant` there, apart from the words around it; none if nothing is meant, or if a
/// number would grow together with what is around it.
std::vector<Edit> Scanner::instead(Span span, std::string meant) const {
  const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  const char before = span.begin > 0 ? text_[span.begin - 1] : ' ';
  const bool joins_left = in_word(before);
  const bool joins_right = span.end < text_.size() && in_word(text_[span.end]);
  if (meant.empty()) return {};
  const bool is_number = std::isdigit(static_cast<unsigned char>(meant[0]));
  if (is_number && (joins_left || joins_right || before == ')' || before == ']')) return {};
  if (joins_left && in_word(meant.front())) meant.insert(0, " ");
  if (joins_right && in_word(meant.back())) meant += ' ';
  return {{span, std::move(meant)}};
}

/// Bytes that are no UTF-8, and those behind them that do not begin a character, in one diagnostic.
void Scanner::report_bytes(const char* begin) {
  const char* const end = text_.data() + text_.size();
  while (cursor_ < end && (*cursor_ & 0xc0) == 0x80) ++cursor_;
  diagnostics_.report(Diag::not_utf8, span_from(begin));
}

}  // namespace tenon::lexer
