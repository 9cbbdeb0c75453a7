// The checker: trees in, a typed program out. Names, types, shapes, purity, instantiation.
#pragma once
#include <optional>
#include <span>
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

/// A function that a library offers, under a name for C.
struct Export {
  std::string symbol;
  const Call* call;  ///< as a call would name it, `layer[B = 64]`, without arguments
};

struct CheckOptions {
  std::vector<Define> defines;
  bool needs_main = true;       ///< a missing main is an error
  /// What is wanted in the place of main: these; if there are none, every function of the root file
  /// that leaves no parameter open.
  std::optional<std::vector<Export>> exports;
  bool checks_prelude = false;  ///< for all that its parameters can stand for, as a program's own
  std::optional<uint32_t> root_file;  ///< whose `main` runs; nothing: there is one file
  /// Those of a file of schedules; they outlive the call.
  std::span<const Schedule> schedules;
  /// Where the parser found the program wrong: what is around is not checked, the rest is.
  std::vector<lexer::Span> syntax_errors;
};

/// Thrown for a `-D` that names no const of the program or whose value is of another kind.
struct BadDefine {
  std::string message;
};

/// Thrown for an export of a function that is not there, or for two of one and the same; and where
/// none was asked for, if there is none.
struct BadExport {
  std::string message;
};

/// What main does not reach, as programs without a main: the functions that each is about are exported,
/// under names that mean nothing.
struct Unreached {
  typed::Program closed;  ///< of functions that leave no parameter open
  /// Of functions with a schedule that do: each time for other parameters. One that is wrong for them
  /// is not there.
  std::vector<typed::Program> samples;
};

/// Checks every function, called or not, and instantiates what main, or the exports, reach; and, if
/// `unreached` is given, what they do not. The programs are complete only if `diagnostics` stays empty.
/// The trees must outlive it only for this call.
typed::Program check(const Program& prelude, const Program& program, const CheckOptions& options,
                     lexer::Diagnostics& diagnostics, Unreached* unreached = nullptr);

}  // namespace tenon::ast
