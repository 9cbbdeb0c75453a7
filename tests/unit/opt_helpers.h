// What passes make of IR text, for tests.
#pragma once
#include "opt/pass.h"
#include "tests/unit/source_helpers.h"

namespace tenon::tests {

inline void run(ir::Module& module, std::string_view passes, opt::PipelineOptions options = {}) {
  options.verify_each = true;
  try {
    opt::run_pipeline(module, passes, options);
  } catch (const opt::BrokenIr& broken) {
    for (const ir::Violation& v : broken.violations)
      FAIL_CHECK(broken.pass, ": ", v.where, ": ", v.message);
  }
}

/// A function of one block that may print.
inline std::string effectful(std::string_view params, std::string_view lines) {
  return fmt::format("func @f({}) effects {{\nentry:\n{}\n  ret\n}}\n", params, lines);
}

/// What passes make of a module's text.
inline std::string after(std::string_view passes, std::string_view text,
                  opt::PipelineOptions options = {}) {
  ir::Module module = valid_ir(text);
  run(module, passes, options);
  return ir::print(module);
}

/// The same for the lines of a function with parameters.
inline std::string lines_after(std::string_view passes, std::string_view params, std::string_view lines) {
  const std::string text = after(passes, effectful(params, lines));
  const size_t begin = text.find("entry:\n") + 7;
  return text.substr(begin, text.rfind("  ret\n") - begin);
}

}  // namespace tenon::tests
