// Modules from their text form, for tests.
#pragma once
#include <doctest/doctest.h>

#include <string>

#include "ir/text.h"
#include "ir/verify.h"

namespace tenon::tests {

/// The module that `text` is; fails the test if it is none.
inline ir::Module parse_ir(std::string_view text) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const uint32_t file = sources.add("test.ir", std::string(text));
  ir::Module module = ir::parse(sources, file, diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all())
    FAIL_CHECK(lexer::render(d, sources, lexer::DiagFormat::short_));
  return module;
}

/// The same, and it verifies.
inline ir::Module valid_ir(std::string_view text) {
  ir::Module module = parse_ir(text);
  for (const ir::Violation& v : ir::verify(module)) FAIL_CHECK(v.where, ": ", v.message);
  return module;
}

/// A function of one block around `lines`, which may use its parameters.
inline std::string ir_function(std::string_view params, std::string_view lines) {
  return "func @f(" + std::string(params) + ") {\nentry:\n" + std::string(lines) + "\n  ret\n}\n";
}

}  // namespace tenon::tests
