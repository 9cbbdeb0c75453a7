// Programs as IR text, run on the CPU target and on the SSA interpreter, which must agree: the same output, and
// the same fault at the same place.
#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "backend/backend.h"
#include "ir/interpret.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "opt/pass.h"
#include "runtime/print.h"
#include "tests/support/text.h"

namespace tenon::tests {

using runtime::DType;
using runtime::FaultKind;
using runtime::Scalar;
using runtime::ScalarOp;

/// What a run of a program leaves behind.
struct Run {
  std::string printed;
  std::optional<runtime::Fault> fault;
  lexer::Span span;
};

/// A program as IR text, verified; with `own` run over it unless it says who owns what itself.
struct Program {
  lexer::SourceMap sources;
  ir::Module module;

  explicit Program(std::string text, bool explicit_owners = false) {
    const uint32_t file = sources.add("test.ir", std::move(text));
    lexer::Diagnostics diagnostics;
    module = ir::parse(sources, file, diagnostics);
    for (const lexer::Diagnostic& d : diagnostics.all()) FAIL_CHECK(lexer::render(d, sources));
    for (const ir::Violation& v : ir::verify(module)) FAIL_CHECK(v.where << ": " << v.message);
    if (!explicit_owners) opt::run_pipeline(module, "own", {});
  }
};

template <class Body>
Run run_of(Body run) {
  Run outcome;
  char* text = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  {
    runtime::Context context;
    context.out = out;
    try {
      runtime::run_on_large_stack([&] { run(context); });
    } catch (const ast::RunError& error) {
      outcome.fault = error.fault;
      outcome.span = error.span;
    }
  }
  std::fclose(out);
  outcome.printed.assign(text, size);
  std::free(text);
  return outcome;
}

inline Run interpreted(const Program& program) {
  return run_of([&](runtime::Context& context) { ir::interpret(program.module, context); });
}

inline Run compiled(const Program& program, const backend::Options& options) {
  const backend::Generated generated = backend::generate(program.module, options);
  CAPTURE(generated.text);
  const backend::cpu::Executable executable(generated, options, nullptr);
  return run_of([&](runtime::Context& context) {
    executable.run(context);
    CHECK(context.live_bytes == 0);  // whoever owned a tensor dropped it
  });
}

inline bool finds_llvm() {
  const bool present = std::isdigit(static_cast<unsigned char>(backend::cpu::llvm_version()[0]));
  if (!present) MESSAGE("skipped, for there is no LLVM: ", backend::cpu::llvm_version());
  return present;
}

inline void check_same(const Run& got, const Run& want) {
  CHECK(got.printed == want.printed);
  REQUIRE(got.fault.has_value() == want.fault.has_value());
  if (!want.fault) return;
  CHECK(got.fault->message() == want.fault->message());
  CHECK(got.fault->kind == want.fault->kind);
  CHECK(got.span == want.span);
}

inline constexpr backend::Options kStrict[] = {{true, 0, true}, {true, 2, false}, {true, 2, true}};

/// Runs the program on both engines; what it did.
inline Run check_agrees(const Program& program) {
  const Run want = interpreted(program);
  if (!finds_llvm()) return want;
  for (const backend::Options& options : kStrict) {
    CAPTURE(options.level);
    CAPTURE(options.llvm_opt);
    check_same(compiled(program, options), want);
  }
  return want;
}

inline void check_fails(const Program& program, FaultKind kind, std::string_view message,
                 std::string_view at) {
  const Run outcome = check_agrees(program);
  REQUIRE(outcome.fault.has_value());
  CHECK(outcome.fault->kind == kind);
  CHECK(outcome.fault->message() == message);
  CHECK(contains(program.sources.text(outcome.span), at));
}

// ---- their text

/// The text of a constant, as ir/text.h wants it.
inline std::string constant_text(Scalar value) {
  const bool bare =
      value.type == DType::i64 || value.type == DType::f32 || value.type == DType::bool_;
  return runtime::to_text(value) + (bare ? "" : std::string(runtime::row(value.type).text));
}

/// Numbers at which operations change their ways.
inline std::vector<Scalar> specials(DType type) {
  std::vector<Scalar> values;
  if (type == DType::bool_) return {Scalar::boolean(false), Scalar::boolean(true)};
  if (runtime::is_integer(type)) {
    const int64_t low = runtime::lowest(type), high = runtime::highest(type);
    for (int64_t v : {low, low + 1, low / 2, int64_t{-9}, int64_t{-7}, int64_t{-2}, int64_t{-1},
                      int64_t{0}, int64_t{1}, int64_t{2}, int64_t{7}, int64_t{8}, high / 3, high})
      values.push_back(Scalar::integer(type, v));
    return values;
  }
  double tiny = 5e-324, huge = 1.7e308;
  if (type == DType::f32) tiny = 1e-45, huge = 3.4028234e38;
  if (type == DType::f16) tiny = 6e-8, huge = 65504;
  if (type == DType::bf16) tiny = 9.2e-41, huge = 3.39e38;
  for (double v : {0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 0.3, -3e9, 1e19, tiny, huge, -huge,
                   HUGE_VAL, -HUGE_VAL, std::nan("")})
    values.push_back(Scalar::floating(type, v));
  return values;
}

/// `%NAME = pack [constants]: type[n]` with its constants before it.
inline std::string pack_text(std::string_view name, DType type, std::span<const Scalar> values) {
  std::string text, names;
  for (size_t i = 0; i < values.size(); ++i) {
    text += fmt::format("  %{}{} = const {}\n", name, i, constant_text(values[i]));
    names += fmt::format("{}%{}{}", i > 0 ? ", " : "", name, i);
  }
  const std::string_view type_text = runtime::row(type).text;
  return text + fmt::format("  %{} = pack [{}]: {}[{}]\n", name, names, type_text, values.size());
}

inline std::string main_text(std::string_view body) {
  return fmt::format("func @main() effects {{\nentry:\n{}  ret\n}}\n", body);
}

}  // namespace tenon::tests
