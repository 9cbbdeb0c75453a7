// The parser: tokens in, tree out (grammar.yy, made into C++ by Bison).
#pragma once
#include "ast/tree.h"
#include "lexer/diag.h"

namespace tenon::parser {

/// Parses one file of `sources`. Syntax errors are reported, and parsing goes on at the next
/// statement or item; the tree holds what could be read.
ast::Program parse(const lexer::SourceMap& sources, uint32_t file, lexer::Diagnostics& diagnostics);

}  // namespace tenon::parser
