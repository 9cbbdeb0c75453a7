// The formatter: a program in, the same program in canonical layout out. README.md says what that
// is.
#pragma once
#include <optional>
#include <string>

#include "lexer/diag.h"

namespace tenon::parser {

/// The canonical layout of one file of `sources`; nothing if it has syntax errors, which are
/// reported. What the compiler does not support yet is formatted too.
std::optional<std::string> format(const lexer::SourceMap& sources, uint32_t file,
                                  lexer::Diagnostics& diagnostics);

}  // namespace tenon::parser
