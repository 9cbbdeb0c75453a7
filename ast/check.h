// The checker: trees in, a typed program out. Names, types, shapes, purity, instantiation.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ast/tree.h"
#include "ast/typed.h"
#include "lexer/diag.h"

namespace tenon::ast {

/// `-D NAME=VALUE`.
struct Define {
  std::string name, value;
};

struct CheckOptions {
  std::vector<Define> defines;
  bool needs_main = true;       ///< a missing main is an error
  bool checks_prelude = false;  ///< for all that its parameters can stand for, as a program's own
  std::optional<uint32_t> root_file;  ///< whose `main` runs; nothing: there is one file
  /// Where the parser found the program wrong: what is around is not checked, the rest is.
  std::vector<lexer::Span> syntax_errors;
};

/// Thrown for a `-D` that names no const of the program or whose value is of another kind.
struct BadDefine {
  std::string message;
};

/// Checks every function, called or not, and instantiates what main reaches. The program is
/// complete only if `diagnostics` stays empty. The trees must outlive it only for this call.
typed::Program check(const Program& prelude, const Program& program, const CheckOptions& options,
                     lexer::Diagnostics& diagnostics);

}  // namespace tenon::ast
