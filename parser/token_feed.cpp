#include "parser/token_feed.h"

#include <algorithm>

#include "lexer/literals.h"

namespace tenon::parser {

using lexer::Diag;
using lexer::Span;
using lexer::Token;
using enum lexer::TokenKind;

namespace {

/// The bracket that closes `open`.
lexer::TokenKind closer(lexer::TokenKind open) {
  return open == left_paren ? right_paren : open == left_bracket ? right_bracket : right_brace;
}

}  // namespace

TokenFeed::TokenFeed(const lexer::SourceMap& sources, uint32_t file,
                     lexer::Diagnostics& diagnostics)
    : sources_(sources),
      diagnostics_(diagnostics),
      scanner_(sources, file, diagnostics),
      current_{end_of_file, {file, 0, 0}},
      previous_(current_),
      before_previous_(current_) {}

Token TokenFeed::next(size_t stack) {
  if (stack > kMaxStack) too_deep(current_.span, ast::kMaxDepth);
  before_previous_ = previous_;
  previous_ = current_;
  current_ = fetch();
  return current_;
}

void TokenFeed::too_deep(Span what, int limit) {
  if (!ended_) diagnostics_.report(Diag::nested_too_deeply, what, limit);
  ended_ = true;
}

Token TokenFeed::fetch() {
  if (ended_) {
    consequence_ = true;
    return {end_of_file, current_.span};
  }
  if (!pending_.empty()) {
    Token token = pending_.back();
    pending_.pop_back();
    return token;
  }
  size_t errors = diagnostics_.all().size();
  Token token = scanner_.next();
  bool is_wrong = diagnostics_.all().size() > errors;
  consequence_ = is_wrong || was_wrong_ || is_passed_over(token) || diagnostics_.full();
  was_wrong_ = is_wrong;
  follow_brackets(token);
  if (ended_ || pending_.empty()) return ended_ ? Token{end_of_file, token.span} : token;
  return fetch();
}

std::string TokenFeed::seen(const Token& token) const {
  if (token.kind == end_of_file) return std::string(row(end_of_file).text);
  return fmt::format("`{}`", lexer::shortened(text(token.span), 40));
}

bool TokenFeed::is_passed_over(const Token& token) {
  if (!passed_over_) return false;
  if (passed_over_->open == 0 || token.kind == kw_fn || token.kind == end_of_file) {
    passed_over_.reset();
    return token.kind == semicolon;
  }
  if (token.kind == passed_over_->bracket) ++passed_over_->open;
  if (token.kind == closer(passed_over_->bracket)) --passed_over_->open;
  const bool leaves = token.kind == left_brace || token.kind == right_brace;
  if (leaves && passed_over_->bracket != left_brace) passed_over_.reset();  // it was not closed
  return true;
}

/// Keeps `open_`, over errors too: a closing bracket closes all that stands open inside its pair,
/// a `;` all but braces.
void TokenFeed::follow_brackets(const Token& token) {
  auto close = [&](lexer::TokenKind open) {
    auto at = std::find_if(open_.rbegin(), open_.rend(),
                           [&](const Token& token) { return token.kind == open; });
    if (at != open_.rend()) open_.erase(at.base() - 1, open_.end());
  };
  switch (token.kind) {
    case left_paren:
    case left_bracket:
    case left_brace:
      open_.push_back(token);
      if (open_.size() > ast::kMaxBrackets) too_deep(token.span, ast::kMaxBrackets);
      break;
    case right_paren: close(left_paren); break;
    case right_bracket: close(left_bracket); break;
    case right_brace: close(left_brace); break;
    case semicolon:
      while (!open_.empty() && open_.back().kind != left_brace) open_.pop_back();
      break;
    case kw_fn:
    case kw_struct:
    case end_of_file:
      if (!open_.empty()) report_unclosed(token);
      break;
    default: break;
  }
}

/// An item begins, or the text ends, inside brackets. The missing ones are made up, so that the
/// parser finds its way out of the function.
void TokenFeed::report_unclosed(const Token& found) {
  if (!consequence_) {
    const Token& inner = open_.back();
    auto& d = diagnostics_.report(
        Diag::syntax_error, found.span,
        fmt::format("expected `{}`, found {}", row(closer(inner.kind)).text, seen(found)));
    d.note(inner.span, fmt::format("this `{}` is never closed", row(inner.kind).text));
    const std::string_view before = text({found.span.file, 0, found.span.begin});
    if (found.kind == kw_fn && !before.ends_with('\n')) {
      d.hint("functions stand beside each other, not inside");
    }
  }
  consequence_ = true;
  made_up_ = true;
  pending_.push_back(found);
  for (const Token& open : open_) {
    pending_.push_back({closer(open.kind), {found.span.file, found.span.begin, found.span.begin}});
  }
  open_.clear();
}

}  // namespace tenon::parser
