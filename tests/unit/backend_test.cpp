// The CPU target against the SSA interpreter: the same output, and the same fault at the same
// place, for every scalar operation, every reduction, and programs that fail.
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
namespace {

using runtime::DType;
using runtime::FaultKind;
using runtime::Scalar;
using runtime::ScalarOp;

/// What a run of a program leaves behind.
struct Outcome {
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

template <class Run>
Outcome outcome_of(Run run) {
  Outcome outcome;
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

Outcome interpreted(const Program& program) {
  return outcome_of([&](runtime::Context& context) { ir::interpret(program.module, context); });
}

Outcome compiled(const Program& program, const backend::Options& options) {
  const backend::Generated generated = backend::generate(program.module, options);
  CAPTURE(generated.text);
  const backend::cpu::Executable executable(generated, options, nullptr);
  return outcome_of([&](runtime::Context& context) {
    executable.run(context);
    CHECK(context.live_bytes == 0);  // whoever owned a tensor dropped it
  });
}

bool has_llvm() {
  const bool present = std::isdigit(static_cast<unsigned char>(backend::cpu::llvm_version()[0]));
  if (!present) MESSAGE("skipped, for there is no LLVM: ", backend::cpu::llvm_version());
  return present;
}

void check_same(const Outcome& got, const Outcome& want) {
  CHECK(got.printed == want.printed);
  REQUIRE(got.fault.has_value() == want.fault.has_value());
  if (!want.fault) return;
  CHECK(got.fault->message() == want.fault->message());
  CHECK(got.fault->kind == want.fault->kind);
  CHECK(got.span == want.span);
}

constexpr backend::Options kStrict[] = {{true, 0, true}, {true, 2, false}, {true, 2, true}};

/// Runs the program on both engines; what it did.
Outcome check_agrees(const Program& program) {
  const Outcome want = interpreted(program);
  if (!has_llvm()) return want;
  for (const backend::Options& options : kStrict) {
    CAPTURE(options.level);
    CAPTURE(options.llvm_opt);
    check_same(compiled(program, options), want);
  }
  return want;
}

void check_fails(const Program& program, FaultKind kind, std::string_view message,
                 std::string_view at) {
  const Outcome outcome = check_agrees(program);
  REQUIRE(outcome.fault.has_value());
  CHECK(outcome.fault->kind == kind);
  CHECK(outcome.fault->message() == message);
  CHECK(contains(program.sources.text(outcome.span), at));
}

// ---- scalar operations

/// The text of a constant, as ir/text.h wants it.
std::string constant_text(Scalar value) {
  const bool bare =
      value.type == DType::i64 || value.type == DType::f32 || value.type == DType::bool_;
  return runtime::to_text(value) + (bare ? "" : std::string(runtime::row(value.type).text));
}

/// Numbers at which operations change their ways.
std::vector<Scalar> specials(DType type) {
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
std::string pack_text(std::string_view name, DType type, std::span<const Scalar> values) {
  std::string text, names;
  for (size_t i = 0; i < values.size(); ++i) {
    text += fmt::format("  %{}{} = const {}\n", name, i, constant_text(values[i]));
    names += fmt::format("{}%{}{}", i > 0 ? ", " : "", name, i);
  }
  const std::string_view type_text = runtime::row(type).text;
  return text + fmt::format("  %{} = pack [{}]: {}[{}]\n", name, names, type_text, values.size());
}

std::string main_text(std::string_view body) {
  return fmt::format("func @main() effects {{\nentry:\n{}  ret\n}}\n", body);
}

/// `op` on all pairs of %x (or, with three operands, all triples of its first six).
std::string all_values_of(ScalarOp op, DType type, size_t count) {
  const auto& row = runtime::row(op);
  const bool divides =
      runtime::is_integer(type) && (op == ScalarOp::div || op == ScalarOp::mod);
  std::string body, indices;
  if (op == ScalarOp::select) {
    body = "select(i < j, %x[i], %x[j])";
  } else if (row.arity == 1) {
    body = fmt::format("{}(%x[i])", row.text);
  } else if (row.arity == 2) {
    body = row.infix.empty() ? fmt::format("{}(%x[i], %x[j])", row.text)
                             : fmt::format("%x[i] {} %x[j]", row.infix);
    if (divides) {
      const std::string zero = constant_text(Scalar::integer(type, 0));
      body = fmt::format("if %x[j] == {} {{ {} }} else {{ {} }}", zero, zero, body);
    }
  } else {
    body = fmt::format("{}(%x[i], %x[j], %x[k])", row.text);
  }
  if (row.arity == 1) {
    indices = fmt::format("i: {}", count);
  } else if (row.arity == 3 && op != ScalarOp::select) {
    indices = "i: 6, j: 6, k: 6";
  } else {
    indices = fmt::format("i: {}, j: {}", count, count);
  }
  return fmt::format("  %r.{0} = compute [{1}] {{ {2} }}\n  print \"{0}\", %r.{0}\n", row.text,
                     indices, body);
}

TEST_CASE("every scalar operation computes what the interpreter computes, on special values") {
  for (size_t t = 0; t < std::size(runtime::kDTypes); ++t) {
    const auto type = static_cast<DType>(t);
    const std::vector<Scalar> values = specials(type);
    std::string body = pack_text("x", type, values);
    for (size_t o = 0; o < std::size(runtime::kScalarOps); ++o) {
      const auto op = static_cast<ScalarOp>(o);
      if (runtime::accepts(op, type)) body += all_values_of(op, type, values.size());
    }
    for (const runtime::DTypeRow& to : runtime::kDTypes)
      body +=
          fmt::format("  %to.{0} = compute [i: {1}] {{ {0}(%x[i]) }}\n  print \"{0}\", %to.{0}\n",
                      to.text, values.size());
    CAPTURE(runtime::row(type).text);
    const Outcome outcome = check_agrees(Program(main_text(body)));
    CHECK_FALSE(outcome.fault.has_value());
  }
}

/// Of f32 with every upper half, and of numbers scattered over f64, i64 and three operands. The bits
/// of the results make one number each, in which every bit counts.
TEST_CASE("rounding to f16 and bf16 is the interpreter's") {
  std::string body;
  const auto add = [&](std::string_view name, std::string_view indices, std::string_view number) {
    for (std::string_view type : {"f16", "bf16"})
      body += fmt::format(
          "  %{0}.{1} = compute [] {{ sum[{2}]((i64(bits(f32({1}({3})))) + 1) * (i * 2 + 1)) }}\n"
          "  print \"{0} {1}\", %{0}.{1}\n",
          name, type, indices, number);
  };
  const std::string_view scattered = "i * 6364136223846793005";
  for (int low : {0, 1, 0x0fff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001})
    add(fmt::format("f32.{}", low), "i: 65536", fmt::format("from_bits(i32(i * 65536 + {}))", low));
  add("i64", "i: 5000", fmt::format("ushr({}, i)", scattered));
  add("negative", "i: 5000", fmt::format("shr(bit_or({}, -9223372036854775808), i)", scattered));
  // Exponents around those of f32: what is far out is infinite or zero.
  add("f64", "i: 50000",
      fmt::format("from_bits(bit_and({}, -9218868437227405313) + "
                  "(i % 320 - 160 + 1023) * 4503599627370496)", scattered));
  // What is halfway between two numbers, and the next f64 on either side: from 2^-26 in steps of the
  // 11th fraction bit, from 2^-136 in steps of the 8th.
  add("ties.f16", "i: 264192", "from_bits(i / 3 * 2199023255552 + 4490088828488384512 + i % 3 - 1)");
  add("ties.bf16", "i: 204000", "from_bits(i / 3 * 17592186044416 + 3994692869477629952 + i % 3 - 1)");
  for (std::string_view type : {"f16", "bf16"}) {
    const auto small = [&](int shift) {
      return fmt::format("{}(from_bits(i32(ushr({}, {}) % 4294967296)))", type, scattered, shift);
    };
    body += fmt::format(
        "  %fma.{0} = compute [] {{ sum[i: 20000]((i64(bits(f32(fma({1}, {2}, {3})))) + 1) * "
        "(i * 2 + 1)) }}\n  print \"fma {0}\", %fma.{0}\n",
        type, small(8), small(20), small(31));
  }
  const Outcome outcome = check_agrees(Program(main_text(body)));
  CHECK_FALSE(outcome.fault.has_value());
}

TEST_CASE("scalar instructions outside computes") {
  check_agrees(Program(main_text(R"(
  %a = const -7
  %b = const 2
  %q = div %a, %b
  %r = mod %a, %b
  %c = lt %q, %r
  %s = select %c, %q, %r
  %x = const 2.5
  %y = round %x
  %n = convert %y to i8
  %t = convert %c to f64
  %z = bits %y
  print "a", %q, %r, %c, %s, %y, %n, %t, %z
  print
)")));
}

// ---- reductions

TEST_CASE("every reduction, over one and two indices, ranges of each row's own, and none") {
  std::string body = pack_text("x", DType::f32, specials(DType::f32)) +
                     pack_text("n", DType::i8, specials(DType::i8)) +
                     "  %p = compute [i: 4, j: 5] { f32((i * 7 + j * 3) % 11) - 5.0 }\n";
  int number = 0;
  const auto add = [&](std::string_view indices, std::string_view expression) {
    ++number;
    body += fmt::format("  %r{0} = compute [{1}] {{ {2} }}\n  print \"{2}\", %r{0}\n", number,
                        indices, expression);
  };
  for (std::string_view reduction : {"sum", "prod", "max", "min", "argmax", "argmin"}) {
    add("", fmt::format("{}[i: 17](%x[i])", reduction));
    add("", fmt::format("{}[i: 3..14](%x[i])", reduction));
    add("", fmt::format("{}[i: 14](%n[i])", reduction));
    add("i: 14", fmt::format("{}[j: i..14](%n[j])", reduction));
    add("i: 4", fmt::format("{}[j: 5](%p[i, j])", reduction));
    if (reduction.starts_with("arg")) continue;
    add("", fmt::format("{}[i: 4, j: 5](%p[i, j])", reduction));
    add("i: 4", fmt::format("{0}[j: 4]({0}[k: j..5](%p[j, k] + f32(i)))", reduction));
  }
  for (std::string_view reduction : {"any", "all"}) {
    add("i: 4", fmt::format("{}[j: 5](%p[i, j] > 0.0)", reduction));
    add("", fmt::format("{}[i: 4, j: 5](%p[i, j] > -9.0)", reduction));
    add("", fmt::format("{}[i: 3..3](%x[i] > 0.0)", reduction));
  }
  add("", "sum[i: 5..2](%x[i])");
  add("", "prod[i: 0](%n[i])");
  add("i: 4", "sum[j: 5](%p[i, j] * max[k: 4](%p[k, j]))");
  const Outcome outcome = check_agrees(Program(main_text(body)));
  CHECK_FALSE(outcome.fault.has_value());
}

TEST_CASE("extents of zero") {
  check_agrees(Program(main_text(R"(
  %a = compute [i: 0, j: 3] { i / j }
  %b = compute [i: 3] { sum[j: 0](%a[j, i]) }
  print %a, %b
)")));
}

TEST_CASE("by default sums of products may be fused and reassociated, and nothing else") {
  const Program program(R"(
func @f(%x: f32, %y: f32) -> f32 {
entry:
  %p = mul %x, %y
  %q = add %p, %x
  %u = mul %x, %x
  %v = mul %u, %y
  %w = add %v, %q
  %r = sub %u, %w
  %m = mul %y, %y
  %high = sub %x, %m
  %low = sub %high, %m
  %z1 = max %u, %r
  %z = max %z1, %low
  ret %z
}
func @main() effects {
entry:
  %a = compute [i: 9] { f32(i) }
  %s = compute [] { sum[i: 9](%a[i] * %a[i]) + max[i: 9](%a[i] * 2.0) }
  %t = call @f(%s, %s)
  print %s, %t
  ret
}
)");
  const std::string text = backend::generate(program.module, {}).text;
  for (std::string_view line : {
           "%q = call float @llvm.fmuladd.f32(float %x, float %y, float %x)",
           "%u = fmul float %x, %x", "%w = call float @llvm.fmuladd.f32(float %u, float %y, float %q)",
           "%r = fsub float %u, %w", "%high = fsub float %x, %m", "%low = fsub float %high, %m",
           "fadd reassoc contract float %a.1", "= fmul float %a.element"}) {
    CAPTURE(text);
    CHECK(contains(text, line));
  }
  const std::string strict = backend::generate(program.module, {true, 2, true}).text;
  CHECK_FALSE(contains(strict, "contract"));
  CHECK_FALSE(contains(strict, "fmuladd"));
  CHECK_FALSE(contains(strict, "reassoc"));
  check_agrees(program);
}

TEST_CASE("the default mode is exact where all floats are small integers") {
  const Program program(main_text(R"(
  %a = compute [i: 40, k: 50] { f32((i * 3 + k * 5) % 17) - 8.0 }
  %b = compute [k: 50, j: 30] { f32((k * 7 + j) % 13) - 6.0 }
  %c = compute [i: 40, j: 30] { sum[k: 50](%a[i, k] * %b[k, j]) }
  %d = compute [i: 40] { sum[j: 30](%c[i, j]) }
  print %c, %d
)"));
  const Outcome want = interpreted(program);
  if (!has_llvm()) return;
  for (int level : {0, 1, 2, 3}) check_same(compiled(program, {false, level, true}), want);
}

// ---- laziness and failure

TEST_CASE("the branch not taken is not evaluated") {
  const Outcome outcome = check_agrees(Program(main_text(R"(
  %x = compute [i: 5] { i * 10 }
  %a = compute [i: 7] { if i < 5 { %x[i] } else { -1 } }
  %b = compute [i: 5] { if i == 0 { 0 } else { 100 / i } }
  %c = compute [i: 5] { sum[j: i..5](if %x[j] > 9 { %x[%x[j] / 10] } else { 1 / (j + 1) }) }
  print %a, %b, %c
)")));
  CHECK_FALSE(outcome.fault.has_value());
}

TEST_CASE("a subscript out of range: the first failing element, after the output before it") {
  check_fails(Program(main_text(R"(
  %x = compute [i: 4, j: 3] { i }
  print "before", %x
  %y = compute [i: 4, j: 9] { %x[i, j + i] }
  print "after"
)")),
              FaultKind::subscript_out_of_range, "subscript 3 is out of range for extent 3",
              "%x[i, j + i]");
  check_fails(Program(main_text(R"(
  %x = compute [i: 4] { i }
  %y = compute [i: 4] { %x[2 - i] }
)")), FaultKind::subscript_out_of_range, "subscript -1 is out of range for extent 4", "%x[2 - i]");
  check_fails(Program(main_text(R"(
  %x = compute [i: 4, j: 4] { i }
  %a = const 3
  %b = const -9223372036854775808
  %y = element %x[%a, %b]
)")), FaultKind::subscript_out_of_range,
              "subscript -9223372036854775808 is out of range for extent 4", "element %x[%a, %b]");
  check_fails(Program(main_text(R"(
  %x = compute [i: 4, j: 4] { i }
  %a = const 4
  %y = update %x[%a, %a] = %a
)")), FaultKind::subscript_out_of_range, "subscript 4 is out of range for extent 4", "update %x");
}

TEST_CASE("division by zero") {
  check_fails(Program(main_text(R"(
  %a = const 3i8
  %b = const 0i8
  %c = mod %a, %b
)")), FaultKind::division_by_zero, "division by zero", "mod %a, %b");
  check_fails(Program(main_text(R"(
  %y = compute [i: 4] { sum[j: 4](7 / (2 - j)) }
)")), FaultKind::division_by_zero, "division by zero", "7 / (2 - j)");
}

TEST_CASE("division by constants") {
  std::string lines;
  for (std::string_view type : {"i8", "i32", "i64"}) {
    const int64_t lowest = type == "i8" ? -128 : type == "i32" ? INT32_MIN : INT64_MIN;
    for (int64_t value : {lowest, lowest + 1, int64_t{-9}, int64_t{-8}, int64_t{-1}, int64_t{0},
                          int64_t{1}, int64_t{7}, int64_t{8}, -(lowest + 1)}) {
      const std::string n = std::to_string(lines.size());
      lines += fmt::format("  %t{} = compute [i: 1] {{ {}{} }}\n  %a{} = element %t{}[%zero]\n", n,
                           value, type == "i64" ? "" : type, n, n);
      for (int64_t divisor : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{8}, int64_t{100},
                              int64_t{-1}, int64_t{-2}, int64_t{-7}, lowest}) {
        const std::string m = std::to_string(lines.size());
        lines += fmt::format("  %d{} = const {}{}\n  %q{} = div %a{}, %d{}\n"
                             "  %r{} = mod %a{}, %d{}\n  print %q{}, %r{}\n",
                             m, divisor, type == "i64" ? "" : type, m, n, m, m, n, m, m, m);
      }
    }
  }
  const Program program("func @main() effects {\nentry:\n  %zero = const 0\n" + lines +
                        "  ret\n}\n");
  CHECK_FALSE(check_agrees(program).fault);
}

TEST_CASE("an empty reduction") {
  for (const char* name : {"max", "min", "argmax", "argmin"})
    check_fails(
        Program(main_text(fmt::format("  %y = compute [i: 4] {{ {}[j: i..2](j) }}\n", name))),
        FaultKind::empty_reduction, fmt::format("{} over an empty range has no value", name), name);
}

TEST_CASE("a failed assertion, in a function that was called") {
  check_fails(Program(R"(
func @half(%n: i64) -> i64 effects {
entry:
  %two = const 2
  %r = mod %n, %two
  %zero = const 0
  %even = eq %r, %zero
  assert %even, "an \"odd\" number\n"
  %h = div %n, %two
  ret %h
}
func @main() effects {
entry:
  %a = const 12
  %b = call @half(%a)
  print %b
  %c = call @half(%b)
  %d = call @half(%c)
  print %d
  ret
}
)"), FaultKind::assertion_failed, "assertion failed: an \"odd\" number\n", "assert %even");
}

TEST_CASE("files: what is saved is loaded, and a missing one is a fault") {
  const ScratchFolder folder;
  const std::string path = (folder.path() / "t.npy").string();
  const Outcome outcome = check_agrees(Program(main_text(fmt::format(R"(
  %x = compute [i: 2, j: 3] {{ i > j }}
  save "{0}", %x
  %y = load "{0}": bool[2, 3]
  %s = const 2.5f64
  save "{0}", %s
  %t = load "{0}": f64
  print %y, " ", %t
)", path))));
  CHECK(outcome.printed == "[[false, false, false],\n [true, false, false]] 2.5\n");
  check_fails(Program(main_text(fmt::format("  %x = load \"{}/none.npy\": f32[3]\n", folder.path().string()))),
              FaultKind::cannot_read,
              fmt::format("cannot read {}/none.npy: No such file or directory", folder.path().string()), "load");
}

TEST_CASE("memory that runs out") {
  if (!has_llvm()) return;
  const Program program(main_text("  %x = compute [i: 70368744177664] { i }\n"));
  const Outcome outcome = compiled(program, {});
  REQUIRE(outcome.fault.has_value());
  CHECK(outcome.fault->kind == FaultKind::out_of_memory);
  CHECK(contains(program.sources.text(outcome.span), "%x = compute"));
}

// ---- functions and recursion

/// Counts down by way of `@between`, which is not recursive by itself in the text.
std::string countdown(int64_t from) {
  return fmt::format(R"(
func @down(%n: i64) -> i64 recursive {{
entry:
  %one = const 1
  %stop = lt %n, %one
  branch %stop, done, on
done:
  ret %n
on:
  %m = sub %n, %one
  %r = call @down(%m)
  %s = add %r, %one
  ret %s
}}
func @wrap(%n: i64) -> i64 {{
entry:
  %r = call @down(%n)
  ret %r
}}
func @main() effects {{
entry:
  %n = const {0}
  %direct = call @wrap(%n)
  %inside = compute [i: 2] {{ @wrap({0} + i) }}
  print %direct, " ", %inside
  ret
}}
)", from);
}

TEST_CASE("recursion is 1,000 calls deep, and no deeper") {
  const Outcome fits = check_agrees(Program(countdown(998)));
  CHECK(fits.printed == "998 [998, 999]\n");
  check_fails(Program(countdown(999)), FaultKind::recursion_too_deep,
              "recursion is more than 1000 calls deep", "call @down(%m)");
  check_fails(Program(countdown(int64_t{1} << 40)), FaultKind::recursion_too_deep,
              "recursion is more than 1000 calls deep", "call @down(%m)");
}

TEST_CASE("functions of tensors, loops, and blocks with parameters") {
  check_agrees(Program(R"(
func @scale(%x: f32[3], %by: f32, %up: bool) -> f32[3] {
entry:
  branch %up, twice(%x, %by), twice(%x, %by)
twice(%t: f32[3], %k: f32):
  %r = compute [i: 3] { %t[i] * %k }
  ret %r
}
func @main() effects {
entry:
  %x = compute [i: 3] { f32(i) + 1.0 }
  %zero = const 0
  %one = const 1
  %four = const 4
  %up = const true
  %by = const 0.5
  jump loop(%zero, %x, %one)
loop(%i: i64, %t: f32[3], %product: i64):
  %more = lt %i, %four
  branch %more, body, done
body:
  %u = call @scale(%t, %by, %up)
  %next = add %i, %one
  %p = mul %product, %next
  jump loop(%next, %u, %p)
done:
  print %t, %product, %x
  ret
}
)"));
}

TEST_CASE("functions of several results: kinds of them, many, and those that may fail") {
  const Outcome outcome = check_agrees(Program(R"(
func @divmod(%a: i64, %b: i64) -> (i64, i64) {
entry:
  %q = div %a, %b
  %r = mod %a, %b
  ret %q, %r
}
func @kinds(%x: f32, %t: f32[3]) -> (f32, f32[3], bool, f64, i8, f32[3]) {
entry:
  %u = compute [i: 3] { %t[i] * %x }
  %b = lt %x, %x
  %d = convert %x to f64
  %n = convert %x to i8
  ret %x, %u, %b, %d, %n, %t
}
func @plain(%x: f32) -> (f32, i32) {
entry:
  %n = convert %x to i32
  ret %x, %n
}
func @swap(%n: i64, %a: i64, %b: i64) -> (i64, i64) recursive {
entry:
  %one = const 1
  %stop = lt %n, %one
  branch %stop, done, on
done:
  ret %a, %b
on:
  %m = sub %n, %one
  %x, %y = call @swap(%m, %b, %a)
  ret %x, %y
}
func @main() effects {
entry:
  %a = const -7
  %b = const 2
  %q, %r = call @divmod(%a, %b)
  %h = const 2.5
  %t = compute [i: 3] { f32(i) }
  %x, %u, %c, %d, %n, %same = call @kinds(%h, %t)
  %p, %whole = call @plain(%h)
  %five = const 5
  %y, %z = call @swap(%five, %a, %b)
  print %q, " ", %r, " ", %x, " ", %u, " ", %c, " ", %d, " ", %n, " ", %same
  print %p, " ", %whole, " ", %y, " ", %z
  ret
}
)"));
  CHECK(outcome.printed == "-4 1 2.5 [0.0, 2.5, 5.0] false 2.5 2 [0.0, 1.0, 2.0]\n2.5 2 2 -7\n");

  check_fails(Program(R"(
func @divmod(%a: i64, %b: i64) -> (i64, i64[2]) {
entry:
  %t = compute [i: 2] { %a + i }
  %q = div %a, %b
  ret %q, %t
}
func @main() effects {
entry:
  %a = const 7
  %zero = const 0
  %q, %t = call @divmod(%a, %a)
  %r, %u = call @divmod(%a, %zero)
  print %q, %r, %t, %u
  ret
}
)"),
              FaultKind::division_by_zero, "division by zero", "div %a, %b");

  // More than any calling convention has registers for.
  std::string types, values, names;
  for (int i = 0; i < 40; ++i) {
    const char* separator = i > 0 ? ", " : "";
    types += fmt::format("{}{}", separator, i % 3 == 0 ? "i64" : i % 3 == 1 ? "f64" : "i64[2]");
    values += fmt::format("{}{}", separator, i % 3 == 0 ? "%n" : i % 3 == 1 ? "%x" : "%t");
    names += fmt::format("{}%v{}", separator, i);
  }
  check_agrees(Program(fmt::format(R"(
func @many(%n: i64, %x: f64, %t: i64[2]) -> ({0}) {{
entry:
  ret {1}
}}
func @main() effects {{
entry:
  %n = const 3
  %x = const 0.5f64
  %t = compute [i: 2] {{ i }}
  {2} = call @many(%n, %x, %t)
  print {2}
  ret
}}
)",
                                   types, values, names)));
}

TEST_CASE("two edges to one block carry the values of the one that is taken") {
  check_agrees(Program(R"(
func @pick(%c: bool, %a: i32, %b: i32) -> i32 {
entry:
  branch %c, out(%a), out(%b)
out(%r: i32):
  ret %r
}
func @main() effects {
entry:
  %t = const true
  %f = const false
  %a = const 3i32
  %b = const 4i32
  %x = call @pick(%t, %a, %b)
  %y = call @pick(%f, %a, %b)
  print %x, %y
  ret
}
)"));
}

TEST_CASE("updates of parts: every choice of open axes, for elements of every size") {
  for (const runtime::DTypeRow& type : runtime::kDTypes) {
    std::string body = fmt::format(
        "  %t = compute [i: 3, j: 4, k: 2] {{ {}(i * 8 + j * 2 + k) }}\n"
        "  %s0 = const 2\n  %s1 = const 3\n  %s2 = const 1\n",
        type.text);
    constexpr std::string_view kIndices[] = {"i: 3", "i: 4", "i: 2"};
    for (int open = 0; open < 8; ++open) {
      std::string subscripts, indices, number = "100";
      int rank = 0;
      for (int axis = 0; axis < 3; ++axis) {
        const char* separator = axis > 0 ? ", " : "";
        const bool is_open = (open >> axis & 1) != 0;
        subscripts +=
            is_open ? fmt::format("{}:", separator) : fmt::format("{}%s{}", separator, axis);
        if (!is_open) continue;
        const char index = static_cast<char>('i' + rank);
        indices += fmt::format("{}{}{}", rank > 0 ? ", " : "", index, kIndices[axis].substr(1));
        number = fmt::format("({}) * 5 + {}", number, index);
        ++rank;
      }
      body += fmt::format(
          "  %v{0} = compute [{1}] {{ {2}({3}) }}\n"
          "  %u{0} = update %t[{4}] = %v{0}\n  print %u{0}, %v{0}\n",
          open, indices, type.text, number, subscripts);
    }
    CAPTURE(body);
    CHECK_FALSE(check_agrees(Program(main_text(body + "  print %t\n"))).fault.has_value());
  }
}

TEST_CASE("updates of parts: in a loop in place, of itself, of what is shared, of nothing") {
  const Outcome outcome = check_agrees(Program(R"(
func @rows(%t: f32[3, 2], %row: f32[2], %whole: f32[3, 2]) -> (f32[3, 2], f32[3, 2]) {
entry:
  %one = const 1
  %u = update %t[%one, :] = %row
  %w = update %t[:, :] = %whole
  ret %u, %w
}
func @main() effects {
entry:
  %zero = const 0
  %one = const 1
  %n = const 3
  %t = compute [i: 3, j: 2] { f32(i * 2 + j) }
  jump loop(%zero, %t)
loop(%i: i64, %c: f32[3, 2]):
  %more = lt %i, %n
  branch %more, body, done
body:
  %row = compute [j: 2] { f32(%i) * 0.5 - %c[%i, j] }
  %d = update %c[%i, :] = %row
  %next = add %i, %one
  jump loop(%next, %d)
done:
  %other = compute [j: 2] { 9.0 }
  %r, %s = call @rows(%c, %other, %c)
  print %r, %s, %c
  %self = update %c[:, :] = %c
  %copied = update %self[:, :] = %self
  %x = update %copied[%zero, :] = %other
  print %copied, %x
  %none = compute [i: 0, j: 2] { 1.0 }
  %no = compute [i: 0] { 1.0 }
  %still = update %none[:, %one] = %no
  %as = update %none[:, :] = %still
  print %as, %still
  ret
}
)"));
  CHECK(outcome.printed ==
        "[[0.0, -1.0],\n [9.0, 9.0],\n [-3.0, -4.0]]"
        "[[0.0, -1.0],\n [-1.5, -2.5],\n [-3.0, -4.0]]"
        "[[0.0, -1.0],\n [-1.5, -2.5],\n [-3.0, -4.0]]\n"
        "[[0.0, -1.0],\n [-1.5, -2.5],\n [-3.0, -4.0]]"
        "[[9.0, 9.0],\n [-1.5, -2.5],\n [-3.0, -4.0]]\n[][]\n");
}

TEST_CASE("updates of parts check every subscript first, of empty parts too") {
  struct Wrong {
    std::string_view update, value, message;
  };
  constexpr Wrong kWrong[] = {
      {"%t[%s9, :, %s0]", "[i: 4]", "subscript 9 is out of range for extent 3"},
      {"%t[%s9, %low, :]", "[i: 2]", "subscript 9 is out of range for extent 3"},
      {"%t[%s0, %low, :]", "[i: 2]", "subscript -1 is out of range for extent 4"},
      {"%t[:, %s9, :]", "[i: 3, j: 2]", "subscript 9 is out of range for extent 4"},
      {"%t[:, :, %s2]", "[i: 3, j: 4]", "subscript 2 is out of range for extent 2"},
      {"%e[%s9, :, %s0]", "[i: 0]", "subscript 9 is out of range for extent 3"},
      {"%e[:, :, %s2]", "[i: 3, j: 0]", "subscript 2 is out of range for extent 2"},
      {"%e[:, %s0, :]", "[i: 3, j: 2]", "subscript 0 is out of range for extent 0"},
  };
  for (const Wrong& wrong : kWrong) {
    CAPTURE(wrong.update);
    for (const bool known : {true, false}) {  // by a constant, and by what is not one
      const char* define = known ? "%{} = const {}\n" : "%{} = compute [] {{ %one * {} }}\n";
      std::string body =
          "  %one = compute [] { sum[i: 2](i) }\n"
          "  %t = compute [i: 3, j: 4, k: 2] { i }\n"
          "  %e = compute [i: 3, j: 0, k: 2] { i }\n";
      for (const auto& [name, value] : {std::pair("s0", 0), {"s2", 2}, {"s9", 9}, {"low", -1}})
        body += fmt::format(fmt::runtime(define), name, value);
      body += fmt::format("  %v = compute {} {{ 7 }}\n  print \"before\"\n  %u = update {} = %v\n",
                          wrong.value, wrong.update);
      check_fails(Program(main_text(body + "  print %u, %t\n")), FaultKind::subscript_out_of_range,
                  wrong.message, wrong.update);
    }
  }
}

TEST_CASE("where the last axes are open, a part is one copy") {
  const Program program(main_text(R"(
  %t = compute [i: 3, j: 4, k: 5] { i }
  %v = compute [i: 4, j: 5] { j }
  %w = compute [i: 3, j: 5] { j }
  %n = const 2
  %a = update %t[%n, :, :] = %v
  %b = update %a[:, %n, :] = %w
  print %b
)"));
  const std::string text = backend::generate(program.module, {}).text;
  CAPTURE(text);
  CHECK(contains(text, "i64 160, i1 false)"));  // 4 * 5 elements, with no loop around
  CHECK(contains(text, "i64 40, i1 false)"));
  CHECK(contains(text, "copy:"));
  CHECK_FALSE(contains(text, "copy.1:"));
  check_agrees(program);
}

TEST_CASE("an update is in place for its last owner, and copies for others") {
  const Program program(R"(
func @main() effects {
entry:
  %t = compute [i: 4] { i }
  share %t
  %zero = const 0
  %three = const 3
  %ten = const 10
  %one = const 1
  jump loop(%zero, %t)
loop(%i: i64, %u: i64[4]):
  %more = lt %i, %three
  branch %more, body, done
body:
  %old = element %u[%i]
  %new = add %old, %ten
  %v = update %u[%i] = %new
  %next = add %i, %one
  jump loop(%next, %v)
done:
  print %t, " ", %u
  drop %t
  drop %u
  ret
}
)", true);
  const Outcome outcome = check_agrees(program);
  CHECK(outcome.printed == "[0, 1, 2, 3] [10, 11, 12, 3]\n");
}

// ---- the interface

TEST_CASE("what LLVM refuses is an error with its reason") {
  if (!has_llvm()) return;
  const auto message = [](std::string text) {
    try {
      const backend::cpu::Executable executable({std::move(text), {}}, {}, nullptr);
    } catch (const backend::BackendError& error) {
      CHECK_FALSE(error.llvm_missing);
      return error.message;
    }
    return std::string();
  };
  CHECK(contains(message("define i32 @tenon_main(ptr %c) { ret i32 %x }"), "%x"));
  CHECK(contains(message("define i32 @other(ptr %c) { ret i32 0 }"), "tenon_main"));
  CHECK(contains(message("declare i32 @missing()\n"
                         "define i32 @tenon_main(ptr %c) {\n  %r = call i32 @missing()\n"
                         "  ret i32 %r\n}\n"), "missing"));
}

TEST_CASE("assembly and the times of the phases") {
  if (!has_llvm()) return;
  const Program program(main_text("  %x = const 1\n  print %x\n"));
  const backend::Generated generated = backend::generate(program.module, {});
  CHECK(contains(backend::cpu::assembly(generated, {}), "tenon_main"));
  std::vector<backend::PhaseTime> times;
  const backend::cpu::Executable executable(generated, {}, &times);
  REQUIRE(times.size() == 4);
  CHECK(times[0].name == "llvm parse");
  CHECK(times[2].name == "llvm codegen");
  CHECK(times[2].ms > 0);
}

}  // namespace
}  // namespace tenon::tests
