// The tokens on their way from the scanner to Bison: watches what is open, and how deep.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ast/tree.h"
#include "lexer/scanner.h"

namespace tenon::parser {

/// Hands tokens to the parser one by one.
///
/// Bison's stack grows with the nesting of the program: by one entry for a prefix operator, by four
/// for an `else if`. The feed refuses what nests too deeply before that stack gets large; from then
/// on the text counts as ended. (Chains such as `a + a + ...` do not grow the stack; Builder counts
/// those.)
class TokenFeed {
 public:
  static constexpr size_t kMaxStack = 4 * ast::kMaxDepth;

  TokenFeed(const lexer::SourceMap& sources, uint32_t file, lexer::Diagnostics& diagnostics);

  /// The next token; `stack` is the size of the parser's stack now.
  lexer::Token next(size_t stack);
  /// Reports that `what` lies too deep, once, and ends the text.
  void too_deep(lexer::Span what, int limit);

  const lexer::Token& current() const { return current_; }    ///< what next() gave last
  const lexer::Token& previous() const { return previous_; }  ///< and before that
  const lexer::Token& before_previous() const { return before_previous_; }
  /// The brackets now open, the innermost last.
  const std::vector<lexer::Token>& open() const { return open_; }
  /// The bracket that is the current token, or the innermost one open, should not be there: what is wrong
  /// in it, and right behind it, follows from that.
  void pass_over(lexer::TokenKind bracket) { passed_over_ = {bracket, 1}; }
  /// Whether brackets were closed that the text leaves open: then items may end too early.
  bool has_made_up() const { return made_up_; }
  /// Whether an error at the current token follows from one that was reported already.
  bool is_consequence() const { return consequence_; }

  std::string_view text(lexer::Span span) const { return sources_.text(span); }
  /// A token as messages show it: "`while`", "end of file".
  std::string seen(const lexer::Token& token) const;
  lexer::Diagnostics& diagnostics() { return diagnostics_; }

 private:
  lexer::Token fetch();
  void follow_brackets(const lexer::Token& token);
  bool is_passed_over(const lexer::Token& token);
  void report_unclosed(const lexer::Token& found);

  const lexer::SourceMap& sources_;
  lexer::Diagnostics& diagnostics_;
  lexer::Scanner scanner_;
  lexer::Token current_, previous_, before_previous_;
  std::vector<lexer::Token> open_;
  std::vector<lexer::Token> pending_;  // what comes before the scanner's next token, last first
  bool was_wrong_ = false;             // the scanner reported something in the token it gave last
  struct PassedOver {
    lexer::TokenKind bracket;
    int open;  // of its kind, since pass_over()
  };
  std::optional<PassedOver> passed_over_;
  bool consequence_ = false;
  bool made_up_ = false;
  bool ended_ = false;
};

}  // namespace tenon::parser
