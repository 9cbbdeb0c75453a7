// The words of a syntax error: from the tokens that Bison could have gone on with to a message.
#pragma once
#include <span>

#include "parser/token_feed.h"

namespace tenon::parser {

/// Reports that `tokens.current()` stands where only `expected` could. Nothing, if that follows
/// from an error reported before.
void report_syntax_error(TokenFeed& tokens, std::span<const lexer::TokenKind> expected);

}  // namespace tenon::parser
