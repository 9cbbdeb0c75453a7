// The text of loop nests: everything that there is reads back; and under single edits it is
// refused, by the reader or by the verifier, with the message it deserves.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "ir/loops_parse.h"
#include "ir/loops_verify.h"
#include "runtime/context.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

using namespace ir::loops;

/// A product by tiles, with an operand packed, and whatever else a nest may hold.
constexpr std::string_view kText =
    R"(kernel @tiled.0(%x: f32[8, 16], %w: f32[16, 32], %n: i64, %s: f64) -> %y: f32[8, 32] {
  parallel for jo in 0..2 {
    local a: f32[16, 16]
    for k in 0..16 {
      vectorized for ji in 0..16 {
        a[k, ji] = %w[k, jo * 16 + ji]
      }
    }
    for i in 0..8 {
      local b: f32[16]
      vectorized for ji in 0..16 {
        b[ji] = 0.0
      }
      for k in 0..16 {
        prefetch %x[i + 1, k]
        vectorized for ji in 0..16 {
          b[ji] = b[ji] + %x[i, k] * a[k, ji]
        }
      }
      unrolled for u in 0..2 {
        vectorized for ji in 0..8 {
          stream %y[i, jo * 16 + u * 8 + ji] = b[u * 8 + ji] + f32(%s) * %x[i, ji - 1 if 0 < ji]
        }
      }
    }
  }
}

kernel @rest.1(%at: i64[4], %t: f32[4], %n: i64) -> %r: i64[4], %total: f32, %any: bool {
  for i in %n - 1..4 {
    check 0 <= %at[i] and %at[i] < 4 else subscript_out_of_range(%at[i], 4)
    local c: i64
    if %at[i] < 2 or isnan(%t[i]) {
      c = -3
    } else {
      if not(true) {
        c = select(i == 0, 1, i % 3)
      } else {
        c = %at[i] / 2 - (i - 1)
      }
    }
    local d: i64 = @costly(i, %t[%at[i]])
    %r[i] = min(c, d)
  }
  check 0 < %n else empty_reduction("argmax")
  local a: f32 = 1.0
  local b: f32 = nan
  vectorized for j in 0..4 {
    a = a * %t[j]
    b = max(b, %t[j])
  }
  %total[] = a + b + neg(f32(1.5f64))
  local a1: i64 = 0
  unrolled for j in 0..2 {
    unrolled for l in 0..2 {
      a1 = a1 + 1
    }
  }
  %any[] = a1 > 7
}

kernel @rows.2(%x: f32[8, 64]) -> %z: f32[8, 64] {
  block for i in 0..8 {
    shared a: f32[64]
    local b: f32 = 0.0
    thread for t in 0..64 {
      a[t] = %x[i, t]
      b = b + %x[i, t]
    }
    barrier
    thread for l in 0..min(64, 70 - i) {
      %z[i, l] = a[63 - l] / b
    }
  }
}
)";

struct Read {
  std::string text;      ///< printed again
  std::string messages;  ///< of the reader, or of the verifier, with where it found them
  std::vector<ParsedKernel> kernels;
};

Read read(const std::string& text) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  ir::Module module;
  Read result;
  result.kernels = parse(sources, sources.add("test.loops", text), module, diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all()) result.messages += d.message + "\n";
  if (diagnostics.any()) return result;
  for (const ParsedKernel& each : result.kernels) {
    for (const Violation& v : verify(module, each.kernel))
      result.messages += v.where + ": " + v.message + "\n";
    result.text += (result.text.empty() ? "" : "\n") + print(module, each.kernel);
  }
  return result;
}

TEST_CASE("the text of nests reads back") {
  const Read result = read(std::string(kText));
  CHECK(result.messages == "");
  CHECK_MESSAGE(result.text == kText, difference(kText, result.text));
}

TEST_CASE("what text lacks is empty, what follows from it is not") {
  const std::vector<ParsedKernel> kernels = read(std::string(kText)).kernels;
  REQUIRE(kernels.size() == 3);
  const Kernel& tiled = kernels[0].kernel;
  CHECK(tiled.buffer_values == std::vector<ir::ValueId>(2));
  CHECK(tiled.scalar_values == std::vector<ir::ValueId>(2));
  CHECK(tiled.is_output(2));
  CHECK_FALSE(tiled.may_fail);
  CHECK(kernels[1].kernel.may_fail);
  // Loops of one name are one: ji is there four times.
  CHECK(std::ranges::count(tiled.loops, "ji") == 1);
}

TEST_CASE("a step of a float sum or product is reassociable, one of others is not") {
  const auto is_free = [](const std::string& type, const std::string& set) {
    const Read result =
        read("kernel @f(%x: " + type + "[4]) -> %y: " + type + "[4] {\n  local a: " + type +
             "[4]\n  for i in 0..4 {\n    " + set + "\n    %y[i] = a[i]\n  }\n}\n");
    REQUIRE(result.kernels.size() == 1);
    const auto& loop = std::get<For>(result.kernels[0].kernel.body[1].node);
    return std::get<SetLocal>(loop.body[0].node).reassociable;
  };
  CHECK(is_free("f32", "a[i] = a[i] + %x[i]"));
  CHECK(is_free("f64", "a[i] = a[i] * %x[i]"));
  CHECK_FALSE(is_free("f32", "a[i] = a[i - 1] + %x[i]"));
  CHECK_FALSE(is_free("f32", "a[i] = %x[i] + a[i]"));
  CHECK_FALSE(is_free("f32", "a[i] = max(a[i], %x[i])"));
  CHECK_FALSE(is_free("i64", "a[i] = a[i] + %x[i]"));
}

TEST_CASE("every statement has its place") {
  const std::string text(kText);
  const std::vector<ParsedKernel> kernels = read(text).kernels;
  REQUIRE(kernels.size() == 3);
  const auto shown = [&](ir::Span span) { return text.substr(span.begin, span.end - span.begin); };
  CHECK(shown(kernels[0].stmts[0]) == "parallel for jo in 0..2");
  CHECK(shown(kernels[0].stmts[1]) == "local a: f32[16, 16]");
  CHECK(shown(kernels[1].stmts[3]) == "if %at[i] < 2 or isnan(%t[i])");
  CHECK(shown(kernels[1].stmts[4]) == "c = -3");
  CHECK(shown(kernels[1].stmts.back()) == "%any[] = a1 > 7");
}

// ---- edits

struct Edit {
  const char* from;  ///< its first occurrence becomes `to`
  const char* to;
  const char* message;  ///< part of what is said
};

constexpr Edit kSyntax[] = {
    {"kernel @tiled.0", "@tiled.0", "expected `kernel`, found `@tiled.0`"},
    {"kernel @tiled.0", "kernel tiled", "expected the name of a kernel"},
    {"@rest.1", "@tiled.0", "kernel `@tiled.0` is defined twice"},
    {"%n: i64, %s: f64", "%x: i64, %s: f64", "`%x` is defined twice"},
    {"-> %y: f32", "-> %x: f32", "`%x` is defined twice"},
    {"-> %y: f32[8, 32]", "", "expected `->`"},
    {"-> %y: f32[8, 32]", "->", "expected an output"},
    {"%x: f32[8, 16]", "%x: f31[8, 16]", "there is no type `f31`"},
    {"%x: f32[8, 16]", "%x: f32[9000000000, 9000000000]", "is too large for memory"},
    {"parallel for jo", "parallel jo", "expected `for`"},
    {"parallel for jo", "sequential for jo", "expected a statement, found `sequential`"},
    {"for jo in", "for 7 in", "expected the name of a loop"},
    {"for jo in", "for a in", "`a` cannot be the name of a loop"},
    {"for jo in", "for max in", "`max` cannot be the name of a loop"},
    {"jo in 0..2", "jo in 0, 2", "expected `..`"},
    {"jo in 0..2", "jo from 0..2", "expected `in`"},
    {"local a: f32[16, 16]", "local k: f32[16, 16]", "`k` is no local's name"},
    {"local a: f32[16, 16]", "local a01: f32[16, 16]", "`a01` is no local's name"},
    {"local a: f32[16, 16]", "local h500000: f32[16, 16]", "more than 1000000 locals"},
    {"local a: f32[16, 16]", "local a", "expected `:`"},
    {"local b: f32[16]", "local a: f32[16]", "local `a` is `f32[16, 16]` above"},
    {"a[k, ji] = ", "a[k, ji] ", "expected `=`"},
    {"a[k, ji] = ", "c[k, ji] = ", "local `c` is not declared before this"},
    {"b[ji] + %x[i, k]", "b[ji] + %z[i, k]", "the kernel has no parameter `%z`"},
    {"b[ji] + %x[i, k]", "b[ji] + %x", "expected `[`"},
    {"b[ji] + %x[i, k]", "b[ji] + %x[ii, k]", "there is no loop `ii` around this"},
    {"b[ji] = 0.0", "b[ji] = k", "there is no loop `k` around this"},
    {"b[ji] = 0.0", "b[ji] = 0.0 b[ji] = 0.0", "expected the end of the line"},
    {"b[ji] = 0.0", "b[ji] = ", "expected an expression"},
    {"b[ji] = 0.0", "b[ji] = 0.0)", "expected the end of the line"},
    {"f32(%s)", "f32(%s, %s)", "`f32` converts one number, but 2 are given"},
    {"f32(%s)", "f33(%s)", "there is no scalar operation or type `f33`"},
    {"isnan(%t[i])", "isnan()", "`isnan` takes 1 operand, but 0 are given"},
    {"isnan(%t[i])", "isnan(i)", "`isnan` does not take `i64`"},
    {"not(true)", "not(1)", "`not` does not take `i64`"},
    {"0 <= %at[i] and", "0 <= %at[i] <= 3 and", "expected `else`"},
    {"else subscript_out_of_range", "else out_of_range", "there is no fault `out_of_range`"},
    {"(%at[i], 4)", "(%at[i], 4, 5)", "a fault tells two numbers, not 3"},
    {"(\"argmax\")", "(\"argmax)", "no closing quote"},
    {"@costly(i, %t[%at[i]])", "@costly", "expected `(`"},
    {"stream %y", "stream b", "expected a tensor"},
    {"prefetch %x[i + 1, k]", "prefetch %x[i + 1, k if k < 3]", "expected `]`, found `if`"},
    {"isnan(%t[i])", "isnan(%t[i] if i < 3)", "expected `)`, found `if`"},
    {"ji - 1 if 0 < ji]", "ji - 1 if]", "expected an expression"},
    {"prefetch %x[i + 1, k]", "prefetch", "expected a tensor"},
    {"  %any[] = a1 > 7\n}", "  %any[] = a1 > 7\n", "expected a statement, found `kernel`"},
    {"/ b\n    }\n  }\n}", "/ b\n    }\n  }\n", "expected a statement, found the end of the text"},
    {"-3", "-300000000000000000000", "is not a constant of any type"},
};

constexpr Edit kInvalid[] = {
    // names and scopes
    {"unrolled for l in 0..2", "unrolled for j in 0..2", "loop `j` stands inside a loop `j`"},
    {"      c = -3\n", "", "@rest.1, for i: %r[i] = min(c, d): `c` may not be set yet"},
    {"for i in %n - 1..4 {\n",
     "for i in %n - 1..4 {\n    local b: f32 = 0.0\n    b = c\n    local c: i64\n",
     "local `c` is not declared before this"},
    {"  %total[] = a + b", "  %total[] = a + b + f32(c)", "`c` is not declared around this"},
    {"  local b: f32 = nan", "  c = 1\n  local b: f32 = nan", "`c` is not declared around this"},
    {"  local b: f32 = nan", "  local b: f32 = nan\n  local b: f32 = nan",
     "`b` is declared already"},
    {"  local a1: i64 = 0", "  local a1: i64",
     "@rest.1, for j, for l: a1 = a1 + 1: `a1` may not be set yet"},
    {"in 0..2 {\n    unrolled for l", "in 0..%n {\n    for l",
     "the bounds of the unrolled loop `j`"},
    // types
    {"a[k, ji] = %w[k, jo * 16 + ji]", "a[k, ji] = k", "what `a` is set to is `i64`, not `f32`"},
    {"a[k, ji] = %w[k, jo * 16 + ji]", "a[k] = %w[k, jo * 16 + ji]",
     "`a` has rank 2, but 1 subscripts are given"},
    {"a[k, ji] = %w[k, jo * 16 + ji]", "a[k, ji] = %w[k]",
     "@tiled.0, for jo, for k, for ji: a[k, ji] = %w[k]: `%w` has rank 2, but 1 subscripts"},
    {"* a[k, ji]", "* a", "`a` has rank 2, but 0 subscripts are given"},
    {"b[ji] = 0.0", "b[ji] = b[0.0]", "a subscript is `f32`, not `i64`"},
    {"local a: f32[16, 16]", "local a: f32[16, 16] = 0.0",
     "`a` has a shape, and starts without a value"},
    {"local a1: i64 = 0", "local a1: i64 = 0.0", "what `a1` is set to is `f32`, not `i64`"},
    {"%r[i] = min(c, d)", "%r[i] = 0.0", "what `%r` is given is `f32`, not `i64`"},
    {"%r[i] = min(c, d)", "%r[i, i] = min(c, d)", "`%r` has rank 1, but 2 subscripts are given"},
    {"%r[i] = min(c, d)", "%r[i] = min(%t[i], d)", "operand 1 of `min` is `f32`, not `i64`"},
    {"%r[i] = min(c, d)", "%at[i] = min(c, d)", "`%at` is an input, which is not written"},
    {"%r[i] = min(c, d)", "%r[i] = %r[i]", "`%r` is an output, which is not read"},
    {"if not(true)", "if 1", "a condition is `i64`, not `bool`"},
    {"select(i == 0, 1, i % 3)", "select(i, 1, i % 3)", "a condition is `i64`, not `bool`"},
    {"select(i == 0, 1, i % 3)", "select(i == 0, 1.0, i % 3)", "`select` has a `f32` and a `i64`"},
    {"i in %n - 1..4", "i in 0..4.0", "a bound is `f32`, not `i64`"},
    {"check 0 < %n else", "check %n else", "what is checked is `i64`, not `bool`"},
    {"(%at[i], 4)", "(%t[i], 4)", "a number that a fault tells is `f32`, not `i64`"},
    {"ji - 1 if 0 < ji]", "ji - 1 if ji]", "a guard is `i64`, not `bool`"},
    {"prefetch %x[i + 1, k]", "prefetch %x[k]", "`%x` has rank 2, but 1 subscripts are given"},
    {"%any[] = a1 > 7\n", "", "the output `%any` is not written"},
    // calls
    {"@costly(i, %t[%at[i]])", "@costly(i, %t[%at[i]])\n    local e: i64 = @costly(i)",
     "`@costly` takes 2 arguments, but 1 are given"},
    {"@costly(i, %t[%at[i]])", "@costly(i, %t[%at[i]])\n    local e: i64 = @costly(i, i)",
     "argument 2 of `@costly` does not fit"},
    {"@costly(i, %t[%at[i]])", "@costly(i, %t[%at[i]])\n    local e: f32 = @costly(i, %t[i])",
     "`@costly` does not return one `f32`"},
    // unrolled loops
    {"unrolled for j in 0..2", "unrolled for j in 0..5000", "is written out more than 4096 times"},
    {"unrolled for j in 0..2", "unrolled for j in 0..4000",
     "the unrolled loop `l` is written out more than 4096 times"},
    // vectorized loops
    {"vectorized for j in 0..4", "vectorized for j in 0..%n",
     "the bounds of the vectorized loop `j`"},
    {"vectorized for j in 0..4", "vectorized for j in 1..4",
     "the vectorized loop `j` does not begin at 0"},
    {"unrolled for u in 0..2", "vectorized for u in 0..2",
     "the vectorized loop `ji` stands inside the vectorized loop `u`"},
    {"for k in 0..16 {\n      vectorized", "vectorized for k in 0..16 {\n      parallel",
     "the parallel loop `ji` stands inside the vectorized loop `k`"},
    {"a = a * %t[j]", "a = a * %t[j]\n    check j < 3 else division_by_zero()",
     "a check stands inside the vectorized loop `j`"},
    {"a = a * %t[j]", "a = a * %t[j]\n    local e: i64 = @costly(j, %t[j])",
     "a call stands inside the vectorized loop `j`"},
    {"a = a * %t[j]", "if j < 2 {\n      a = a * %t[j]\n    }",
     "a branch depends on the vectorized loop `j`"},
    {"a = a * %t[j]", "for l in 0..j {\n      a = a * %t[l]\n    }",
     "the bounds of loop `l` depend on the vectorized loop `j`"},
    {"a = a * %t[j]", "local e: i64 = j + 1\n    if e < 2 {\n      a = a * %t[j]\n    }",
     "a branch depends on the vectorized loop `j`"},
    {"a = a * %t[j]", "a = a * %t[j]\n    a = a + 1.0",
     "the steps of `a` in the vectorized loop `j` are of different operations"},
    {"a = a * %t[j]", "a = %t[j]", "`a` goes from one turn of the vectorized loop `j` to the next"},
    {"a = a * %t[j]", "a = a - %t[j]",
     "`a` goes from one turn of the vectorized loop `j` to the next"},
    {"b = max(b, %t[j])", "b = max(b, a)",
     "a turn of the vectorized loop `j` reads what others change of `a`"},
    {"b[ji] = 0.0", "b[0] = 0.0", "all turns of the vectorized loop `ji` write one element of `b`"},
    {"b[ji] = b[ji] + ", "b[ji] = b[0] + ",
     "a turn of the vectorized loop `ji` reads what others change of `b`"},
    {"stream %y[i, jo * 16 + u * 8 + ji]", "stream %y[i, jo * 16 + u * 8]",
     "all turns of the vectorized loop `ji` write one element of `%y`"},
    // parallel loops
    {"    for i in 0..8", "    parallel for i in 0..8",
     "the parallel loop `i` stands inside the parallel loop `jo`"},
    {"stream %y[i, jo * 16 + u * 8 + ji]", "stream %y[i, u * 8 + ji]",
     "all turns of the parallel loop `jo` write one element of `%y`"},
    {"  for i in %n - 1..4 {\n",
     "  local e: i64 = 0\n  parallel for i in %n - 1..4 {\n    e = e + 1\n",
     "the turns of the parallel loop `i` all change `e`"},
    {"  for i in %n - 1..4 {\n",
     "  local e: i64[4]\n  parallel for i in %n - 1..4 {\n    e[%n] = i\n",
     "all turns of the parallel loop `i` write one element of `e`"},
    {"  unrolled for j in 0..2 {\n    unrolled for l", "  for j in 0..2 {\n    parallel for l",
     "the kernel may fail, and the parallel loop `l` is not outermost"},
    // loops over blocks and threads
    {"block for i in 0..8", "block for i in 1..8", "the block loop `i` does not begin at 0"},
    {"block for i in 0..8", "block for i in 0..min(8, 2 + 3)",
     "how many turns the block loop `i` has at most is not known"},
    {"min(64, 70 - i)", "70 - i", "how many turns the thread loop `l` has at most is not known"},
    {"      a[t] = %x[i, t]", "      block for k in 0..2 {\n        a[t] = %x[i, t]\n      }",
     "the block loop `k` stands inside the thread loop `t`"},
    {"thread for t in 0..64", "thread for t in 0..64 {\n      barrier\n    }\n    thread for t in 0..64",
     "a barrier stands inside a thread loop"},
    {"block for i in 0..8", "for i in 0..8", "a barrier is outside of blocks"},
    {"thread for t in 0..64 {\n", "thread for t in 0..64 {\n      shared c: f32[4]\n",
     "`c` is shared, and declared inside a thread loop"},
    {"a[t] = %x[i, t]", "a[0] = %x[i, t]", "all turns of the thread loop `t` write one element of `a`"},
    {"b = b + %x[i, t]", "b = %x[i, t]", "`b` goes from one turn of the thread loop `t` to the next"},
    {"    thread for t", "    block for k in 0..2 {\n      b = b + 1.0\n    }\n    thread for t",
     "the turns of the block loop `k` all change `b`"},
};

void check_refused(const Edit& edit) {
  CAPTURE(edit.from);
  CAPTURE(edit.to);
  std::string text(kText);
  const size_t at = text.find(edit.from);
  REQUIRE_MESSAGE(at != text.npos, "the text does not hold ", edit.from);
  text.replace(at, std::string_view(edit.from).size(), edit.to);
  const std::string messages = read(text).messages;
  CHECK_MESSAGE(contains(messages, edit.message), "it says: ", messages);
}

TEST_CASE("the reader refuses every single edit with its message") {
  for (const Edit& edit : kSyntax) check_refused(edit);
}

TEST_CASE("the verifier refuses every single edit with its message") {
  for (const Edit& edit : kInvalid) check_refused(edit);
}

// ---- edits of nests in memory, which no text can express

struct Corruption {
  const char* message;
  void (*edit)(Kernel& kernel);
};

ExprPtr number(int64_t value) {
  return std::make_shared<const Expr>(
      Expr{ir::DType::i64, Constant{ir::Scalar::integer(ir::DType::i64, value)}});
}
For& first_loop(Kernel& kernel) {
  return std::get<For>(kernel.body[0].node);
}

const Corruption kCorruptions[] = {
    {"names a loop, local", [](Kernel& k) { first_loop(k).loop = 99; }},
    {"lacks an operand", [](Kernel& k) { first_loop(k).lo = nullptr; }},
    {"names a loop, local", [](Kernel& k) { k.scalar_values.clear(); }},
    {"names a loop, local", [](Kernel& k) { k.buffer_values.resize(9); }},
    {"lacks an operand",
     [](Kernel& k) {
       first_loop(k).hi = std::make_shared<const Expr>(
           Expr{ir::DType::i64, Apply{ir::ScalarOp::add, {number(1)}}});
     }},
    {"a node of type `i64` is marked `f32`",
     [](Kernel& k) {
       first_loop(k).hi = std::make_shared<const Expr>(
           Expr{ir::DType::f32, Constant{ir::Scalar::integer(ir::DType::i64, 2)}});
     }},
    {"a `select` is a node of its own kind",
     [](Kernel& k) {
       const auto yes = std::make_shared<const Expr>(
           Expr{ir::DType::bool_, Constant{ir::Scalar::boolean(true)}});
       first_loop(k).hi = std::make_shared<const Expr>(
           Expr{ir::DType::i64, Apply{ir::ScalarOp::select, {yes, number(1), number(2)}}});
     }},
    {"the kernel has no output", [](Kernel& k) { k.buffer_values.resize(k.buffers.size()); }},
    {"`a` cannot be the name of a loop", [](Kernel& k) { k.loops[0] = "a"; }},
    {"`x y` cannot be the name of a parameter", [](Kernel& k) { k.buffers[0].name = "x y"; }},
    {"two parameters are called `%w`", [](Kernel& k) { k.buffers[0].name = "w"; }},
    {"nothing is assigned to `a`",
     [](Kernel& k) { std::get<SetLocal>(first_loop(k).body[0].node).declares = false; }},
    {"a declaration has subscripts",
     [](Kernel& k) {
       std::get<SetLocal>(first_loop(k).body[0].node).subscripts = {number(0), number(0)};
     }},
    {"`a` is too large for memory",
     [](Kernel& k) {
       k.locals[0].shape = {int64_t{1} << 40, int64_t{1} << 40};
     }},
    {"the kernel may fail, but is not marked so",
     [](Kernel& k) {
       k.body.push_back({Check{std::make_shared<const Expr>(
                                   Expr{ir::DType::bool_, Constant{ir::Scalar::boolean(true)}}),
                               runtime::FaultKind::division_by_zero,
                               nullptr,
                               nullptr,
                               {},
                               {}}});
     }},
    {"a fault tells a text or numbers, not both",
     [](Kernel& k) {
       k.body.push_back({Check{
           number(1), runtime::FaultKind::division_by_zero, number(1), nullptr, "both", {}}});
       std::get<Check>(k.body.back().node).holds = std::make_shared<const Expr>(
           Expr{ir::DType::bool_, Constant{ir::Scalar::boolean(true)}});
     }},
    {"only a step of a float sum or product is reassociable",
     [](Kernel& k) {
       auto& zero = std::get<For>(std::get<For>(first_loop(k).body[2].node).body[1].node);
       std::get<SetLocal>(zero.body[0].node).reassociable = true;
     }},
};

TEST_CASE("corruptions in memory are refused with their message") {
  for (const Corruption& corruption : kCorruptions) {
    CAPTURE(corruption.message);
    lexer::SourceMap sources;
    lexer::Diagnostics diagnostics;
    ir::Module module;
    Kernel kernel =
        parse(sources, sources.add("test.loops", std::string(kText)), module, diagnostics)[0]
            .kernel;
    corruption.edit(kernel);
    std::string all;
    for (const Violation& v : verify(module, kernel)) all += v.where + ": " + v.message + "\n";
    CHECK_MESSAGE(contains(all, corruption.message), all);
  }
}

// ---- hostile texts

std::string repeated(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST_CASE("absurd nests get a message") {
  const auto kernel = [](const std::string& body) {
    return "kernel @f() -> %y: i64[4] {\n" + body + "\n}\n";
  };
  const auto says = [&](const std::string& text, std::string_view message) {
    std::string messages;
    runtime::run_on_large_stack([&] { messages = read(text).messages; });
    CHECK_MESSAGE(contains(messages, message), messages.substr(0, 300));
  };
  says("", "");
  says("\x01", "unexpected character");
  says("kernel", "expected the name of a kernel");
  says(kernel("  %y[0] = " + repeated("(", 100000)), "nested more than 4000 levels deep");
  says(kernel("  %y[0] = " + repeated("1 + ", 100000) + "1"), "nested more than 4000 levels deep");
  says(kernel("  %y[0] = " + repeated("neg(", 100000)), "nested more than 4000 levels deep");
  says(kernel(repeated("if true {\n", 100000)), "nested more than 5000 levels deep");
  says(kernel("  %y[0] = 0\n") + kernel("  %y[0] = 0\n"), "kernel `@f` is defined twice");
  says(repeated(kernel("  %y[0] = x\n"), 100), "there is no loop `x` around this");
}

TEST_CASE("after an error the next kernel is read") {
  const Read result =
      read("kernel @f() -> %y: i64 {\n  %y[] = \n}\nkernel @g() -> %z: i64 {\n  %z[] = q\n}\n");
  CHECK(contains(result.messages, "expected an expression"));
  CHECK(contains(result.messages, "there is no loop `q`"));
}

}  // namespace
}  // namespace tenon::tests
