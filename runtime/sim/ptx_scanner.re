// The shapes of PTX's tokens, in re2c's language. An opcode with its modifiers is one token, so that
// the table of opcodes, not the grammar, knows which there are.
#include "runtime/sim/ptx_scanner.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <unordered_map>

#include "runtime/sim/simulator.h"

namespace tenon::runtime::sim::ptx {
namespace {

/// The kind of a word with a dot in front.
TokenKind kind_of_directive(std::string_view text) {
  using enum TokenKind;
  static const auto* const kinds = new std::unordered_map<std::string_view, TokenKind>{
      {".version", d_version}, {".target", d_target}, {".address_size", d_address_size},
      {".file", d_file}, {".loc", d_loc}, {".pragma", d_pragma}, {".entry", d_entry},
      {".func", d_func}, {".param", d_param}, {".reg", d_reg}, {".align", d_align}, {".ptr", d_ptr},
      {".noreturn", d_noreturn}, {".callprototype", d_callprototype},
      {".branchtargets", d_branchtargets},
      {".visible", linkage}, {".extern", linkage}, {".weak", linkage}, {".common", linkage},
      {".global", space}, {".const", space}, {".shared", space}, {".local", space},
      {".maxntid", bound}, {".reqntid", bound}, {".minnctapersm", bound}, {".maxnctapersm", bound},
      {".maxnreg", bound}, {".reqnctapercluster", bound}, {".maxclusterrank", bound},
      {".b8", type}, {".b16", type}, {".b32", type}, {".b64", type}, {".b128", type},
      {".u8", type}, {".u16", type}, {".u32", type}, {".u64", type},
      {".s8", type}, {".s16", type}, {".s32", type}, {".s64", type},
      {".f16", type}, {".f16x2", type}, {".bf16", type}, {".bf16x2", type},
      {".f32", type}, {".f64", type}, {".pred", type},
  };
  auto found = kinds->find(text);
  return found == kinds->end() ? modifier : found->second;
}

}  // namespace

Scanner::Scanner(std::string_view text, std::string_view file)
    : text_(text), file_(file), cursor_(text.data()) {}

/*!re2c
  re2c:api:style = free-form;
  re2c:define:YYCTYPE = "unsigned char";
  re2c:define:YYCURSOR = cursor_;
  re2c:define:YYLIMIT = limit;
  re2c:define:YYMARKER = marker;
  re2c:yyfill:enable = 0;
  re2c:eof = 0;

  digit     = [0-9];
  hex       = [0-9A-Fa-f];
  letter    = [A-Za-z];
  follow    = [A-Za-z0-9_$];
  name      = letter follow* | [_$] follow*;
  modifiers = ("." follow+ ("::" follow+)*)+;
  anything  = [\x00-\xff];
*/

Token Scanner::scan() {
  using enum TokenKind;
  const char* const limit = text_.data() + text_.size();
  const char* marker = nullptr;
  for (;;) {
    const char* const begin = cursor_;
    const uint32_t line = line_;
    auto span = [&] {
      return Span{static_cast<uint32_t>(begin - text_.data()),
                  static_cast<uint32_t>(cursor_ - text_.data()), line};
    };
    auto token = [&](TokenKind kind) { return Token{kind, span()}; };
    /*!re2c
      $                     { return token(end_of_file); }
      "\n"                  { ++line_; continue; }
      [ \t\r\f]+            { continue; }
      "//" [^\n]*           { continue; }
      "/*"                  {
        const size_t end = text_.find("*" "/", cursor_ - text_.data());
        if (end == text_.npos) fail(span(), "a comment that does not end");
        for (; cursor_ < text_.data() + end + 2; ++cursor_) line_ += *cursor_ == '\n';
        continue;
      }

      name                  { return token(word); }
      letter follow* modifiers { return token(opcode); }
      "%" follow+ ("." [xyzw])? { return token(reg); }
      "." letter follow* ("::" follow+)* { return token(kind_of_directive(text(span()))); }

      digit+ "U"? | "0" [xX] hex+ "U"? | "0" [bB] [01]+ "U"? { return token(integer); }
      "0" [fF] hex{8} | "0" [dD] hex{16} { return token(floating); }
      digit+ "." digit* ([eE] [+-]? digit+)? | digit+ [eE] [+-]? digit+ { return token(floating); }
      digit follow+         { fail(span(), fmt::format("`{}` is no number", text(span()))); }
      ["] [^"\n]* ["]       { return token(string); }
      ["]                   { fail(span(), "a string that does not end"); }

      "("  { return token(open_paren); }
      ")"  { return token(close_paren); }
      "["  { return token(open_bracket); }
      "]"  { return token(close_bracket); }
      "{"  { return token(open_brace); }
      "}"  { return token(close_brace); }
      "<"  { return token(less); }
      ">"  { return token(greater); }
      ","  { return token(comma); }
      ";"  { return token(semicolon); }
      ":"  { return token(colon); }
      "="  { return token(equal); }
      "+"  { return token(plus); }
      "-"  { return token(minus); }
      "|"  { return token(bar); }
      "!"  { return token(bang); }
      "@"  { return token(at); }
      *    {
        const auto byte = static_cast<unsigned char>(*begin);
        fail(span(), byte > ' ' && byte < 127 ? fmt::format("unexpected `{}`", *begin)
                                              : fmt::format("unexpected byte {:#04x}", byte));
      }
    */
  }
}

/// Bison's stack grows with open brackets only, so bounding those bounds it.
Token Scanner::next() {
  using enum TokenKind;
  for (;;) {
    const Token token = scan();
    switch (token.kind) {
      case open_paren: case open_bracket: case open_brace:
        if (++depth_ > kMaxDepth) fail(token.span, fmt::format("brackets nest deeper than {}", kMaxDepth));
        break;
      case close_paren: case close_bracket: case close_brace: --depth_; break;
      case modifier:
        if (text(token.span) == ".section") {
          pass_over_section(token.span);
          continue;
        }
        break;
      default: break;
    }
    return token;
  }
}

/// `.section .debug_info { … }`: bytes for debuggers, without brackets inside.
void Scanner::pass_over_section(Span section) {
  const size_t end = text_.find('}', cursor_ - text_.data());
  if (end == text_.npos) fail(section, "a section that does not end");
  for (; cursor_ <= text_.data() + end; ++cursor_) line_ += *cursor_ == '\n';
}

void Scanner::fail(Span span, const std::string& reason) const {
  const size_t line_begin = span.begin == 0 ? std::string_view::npos : text_.rfind('\n', span.begin - 1);
  const size_t column = line_begin == text_.npos ? span.begin + 1 : span.begin - line_begin;
  throw PtxError(file_, span.line, static_cast<uint32_t>(column), reason);
}

uint64_t Scanner::integer(Span span) const {
  std::string_view digits = text(span);
  if (digits.ends_with('U')) digits.remove_suffix(1);
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    base = digits[1] == 'x' || digits[1] == 'X' ? 16 : digits[1] == 'b' || digits[1] == 'B' ? 2 : 8;
    digits.remove_prefix(base == 8 ? 1 : 2);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value, base);
  if (error != std::errc() || end != digits.end()) {
    fail(span, fmt::format("`{}` is no integer of 64 bits", text(span)));
  }
  return value;
}

Operand Scanner::number(Span span) const {
  Operand result;
  result.kind = OperandKind::floating;
  result.span = span;
  const std::string_view digits = text(span);
  const char form = digits.size() > 1 ? static_cast<char>(digits[1] | 0x20) : ' ';
  if (digits[0] == '0' && (form == 'f' || form == 'd')) {
    std::from_chars(digits.begin() + 2, digits.end(), result.value, 16);
    result.wide = form == 'd';
  } else {
    double value = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
    if (error != std::errc()) fail(span, fmt::format("`{}` is out of range", digits));
    result.value = std::bit_cast<uint64_t>(value);
    result.wide = true;
  }
  return result;
}

}  // namespace tenon::runtime::sim::ptx
