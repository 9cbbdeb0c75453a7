// A nest to try directives on.
#pragma once
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "ir/text.h"
#include "ir/verify.h"
#include "opt/loops/directive.h"
#include "opt/loops/nest.h"

namespace tenon::tests {

/// The nest of the one compute in a function with these tensors: %x: f32[20, 12], %w: f32[12, 50],
/// %v: f32[200], %n: i64[200], %p: f32[2, 12, 32].
struct LoopNest {
  ir::Module module;
  ir::loops::Kernel kernel;

  explicit LoopNest(const std::string& compute) {
    lexer::SourceMap sources;
    lexer::Diagnostics diagnostics;
    const std::string text = fmt::format(
        "func @f(%x: f32[20, 12], %w: f32[12, 50], %v: f32[200], %n: i64[200], %p: f32[2, 12, 32]) "
        "{{\nentry:\n"
        "  %out = compute {}\n  ret\n}}\n",
        compute);
    module = ir::parse(sources, sources.add("test.ir", text), diagnostics);
    for (const lexer::Diagnostic& d : diagnostics.all()) FAIL_CHECK(lexer::render(d, sources));
    for (const ir::Violation& v : ir::verify(module)) FAIL_CHECK(v.where << ": " << v.message);
    const ir::Function& function = module.functions[0];
    kernel = ir::loops::lower(module, function, function.blocks[0].insts[0], "f.0");
  }

  std::string after(const ir::Schedule& schedule, opt::loops::Mode mode = {}) {
    opt::loops::apply_schedule(kernel, schedule, mode);
    return ir::loops::print(module, kernel);
  }
  /// Why the last directive is refused.
  std::string refusal(ir::Schedule schedule, opt::loops::Mode mode = {}) {
    const ir::Directive last = schedule.back();
    schedule.pop_back();
    opt::loops::apply_schedule(kernel, schedule, mode);
    try {
      opt::loops::apply_directive(kernel, last, mode);
    } catch (const opt::loops::Refused& refused) {
      return refused.reason;
    }
    return "it was allowed";
  }
};

inline const std::string kProduct = "[i: 20, j: 50] { sum[k: 12](%x[i, k] * %w[k, j]) }";
inline const std::string kScale = "[i: 20] { %v[i] * 2.0 }";

inline void check_text(const std::string& got, const std::string& want) {
  CHECK(got == want.substr(1));
}

}  // namespace tenon::tests
