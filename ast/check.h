// The checker: trees in, a typed program out. Names, types, shapes, purity, instantiation.
#pragma once
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
  bool needs_main = true;  ///< a missing main is an error
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
