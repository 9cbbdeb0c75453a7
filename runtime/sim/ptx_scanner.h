// The scanner of PTX: text in, tokens out (ptx_scanner.re, made into C++ by re2c).
#pragma once
#include "runtime/sim/ptx_tree.h"

namespace tenon::runtime::sim::ptx {

enum class TokenKind : uint8_t {
#define TOKEN(name, text) name,
#include "runtime/sim/ptx_tokens.def"
};

struct Token {
  TokenKind kind;
  Span span;
};

/// Gives the tokens one by one. Throws PtxError for what is none, and for brackets that nest too
/// deep. Debugging sections are passed over.
class Scanner {
 public:
  static constexpr int kMaxDepth = 100;  ///< of brackets, which bounds the parser's stack

  Scanner(std::string_view text, std::string_view file);
  Token next();

  std::string_view text(Span span) const { return text_.substr(span.begin, span.end - span.begin); }
  [[noreturn]] void fail(Span span, const std::string& reason) const;

  /// What the text of a number stands for; fails if it is out of range.
  uint64_t integer(Span span) const;
  Operand number(Span span) const;

 private:
  Token scan();
  void pass_over_section(Span section);

  std::string_view text_;
  std::string file_;
  const char* cursor_;
  uint32_t line_ = 1;
  int depth_ = 0;
};

}  // namespace tenon::runtime::sim::ptx
