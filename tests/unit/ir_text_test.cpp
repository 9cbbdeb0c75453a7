// The text form of SSA functions: what is printed reads back, what is wrong is told with its place.
#include <random>

#include "runtime/context.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

/// Every instruction, every kind of expression, every way to write a constant.
constexpr std::string_view kEverything = R"(func @square(%x: f32) -> f32 {
entry:
  %r = mul %x, %x
  ret %r
}

func @down(%n: i64) -> i64 recursive {
entry:
  %zero = const 0
  %done = le %n, %zero
  branch %done, stop, go
stop:
  ret %zero
go:
  %one = const 1
  %less = sub %n, %one
  %r = call @down(%less)
  ret %r
}

func @divmod(%a: i64, %b: i64) -> (i64, i64) {
entry:
  %q = div %a, %b
  %r = mod %a, %b
  ret %q, %r
}

func @both(%t: f32[2, 2]) -> (f32, f32[2, 2]) effects recursive {
entry:
  %x, %y = call @both(%t)
  ret %x, %y
}

func @say(%t: f32[2, 2]) effects {
entry:
  print "tensor:", %t
  ret
}

func @main() effects {
entry:
  %i = const -3
  %j = const 2
  %small = const 3i32
  %tiny = const -128i8
  %half = const 0.5
  %exp = const 1e-05
  %minus = const -0.0
  %wide = const 1.0f64
  %yes = const true
  %nan = const nan
  %inf = const -inff64
  %lowest = const -9223372036854775808
  %sum = add %i, %j
  %wide.sum = convert %half to f64
  %t = compute [i: 64, j: 2] { f32(i * 2 + j) }
  %scalar = compute [] { %half + 1.0 }
  %empty = compute [i: 0] { i }
  %square, %root = compute [i: 3] { f64(i) * f64(i), sqrt(f64(i)) }
  %inner = compute %outer = unchecked [i: 3] { i } in [i: 2] { %outer[i + 1] }
  %u = compute [i: 2, j: 2] { sum[k: 64](%t[k, i] * %t[k, j]) + max[k: 2..%j + 3, l: 4](%half) }
  %v = compute [i: 3] { if i >= 1 and not(%yes) { %t[i - 1, 0] } else { @square(neg(%half)) } }
  %w = compute [i: 3] { argmax[j: i + 1](-(3.0 - %t[j, 1])) - -3 - (i - (i - 1)) % %j }
  %x = compute [i: 2] { any[j: 2](%t[i, j] == 1.0) or (true or false) and (i < 1) == %yes }
  %y = compute [i: 2] { select(i > 0, nan, bits(%wide)) }
  %p = pack [%half, %half, %exp, %exp] : f32[2, 2]
  %none = pack [] : i8[0]
  %e = element %p[%j, %j]
  %q = update %p[%j, %j] = %half
  %row = pack [%half, %exp] : f32[2]
  %q1 = update %q[%j, :] = %row
  %q2 = update %q1[:, %j] = %row
  %q3 = update %q2[:, :] = %p
  call @say(%q)
  %z = call @square(%e)
  %quotient, %rest = call @divmod(%i, %j)
  %l = load "in \"quotes\" \\ and\n\t\x01\x7f.npy" : i64[0, 3]
  %k = load "n.npy" : i32
  %named = load "m.safetensors", "layers.0.\"w\"" : f32[2]
  save "out.npy", %q
  write %none
  print
  print "accuracy ", %half, " of ", %t, %u, " in all"
  assert %yes, "müßte stimmen"
  share %q
  drop %q
  jump loop(%i, %q)
loop(%n: i64, %m: f32[2, 2]):
  %more = lt %n, %j
  branch %more, loop(%sum, %m), end
end:
  ret
}
)";

TEST_CASE("what is printed reads back as it was") {
  std::string text(kEverything);
  // Written as a person may; the printed form differs in these.
  text.replace(text.find("-(3.0 - %t[j, 1])"), 17, "neg(3.0 - %t[j, 1])");
  text.replace(text.find("bits(%wide)"), 11, "%half");
  const ir::Module module = parse_ir(text);
  CHECK(ir::print(module) == text);
  for (const ir::Violation& v : ir::verify(module)) FAIL_CHECK(v.where, ": ", v.message);
  CHECK(module.main == module.find("main"));
}

TEST_CASE("every instruction and expression kind is in that text") {
  const std::string text(kEverything);
  for (const ir::OpRow& op : ir::kOps) {
    if (op.text != "apply")
      CHECK_MESSAGE(
          text.find("  " + std::string(op.text)) + text.find("= " + std::string(op.text)) !=
              2 * std::string::npos,
          op.text);
  }
}

TEST_CASE("names of instructions and of scalar operations differ") {
  for (const ir::OpRow& op : ir::kOps)
    for (const runtime::ScalarOpRow& scalar : runtime::kScalarOps) CHECK(op.text != scalar.text);
}

/// The expression as it prints, `%x` and `%y` being i64, `%b` bool and `%t` f32[4].
std::string reprinted(std::string_view expr) {
  const ir::Module module =
      parse_ir(ir_function("%x: i64, %y: i64, %b: bool, %t: f32[4]",
                           "  %r = compute [i: 4, j: 4] { " + std::string(expr) + " }"));
  const ir::Function& f = module.functions[0];
  return ir::print(module, f, f.blocks[0].insts[0].get<ir::Compute>().bodies[0]);
}

TEST_CASE("parentheses are the fewest that keep the meaning") {
  CHECK(reprinted("(i + j) + %x") == "i + j + %x");
  CHECK(reprinted("i + (j + %x)") == "i + (j + %x)");
  CHECK(reprinted("(i * j) + (%x / %y)") == "i * j + %x / %y");
  CHECK(reprinted("(i + j) * %x") == "(i + j) * %x");
  CHECK(reprinted("i - (j * 2) % 3") == "i - j * 2 % 3");
  CHECK(reprinted("(i < j) == (%x >= %y)") == "(i < j) == (%x >= %y)");
  CHECK(reprinted("i + 1 < j and %b or %b") == "i + 1 < j and %b or %b");
  CHECK(reprinted("%b and (%b or i == j)") == "%b and (%b or i == j)");
  CHECK(reprinted("not(%b) and %b") == "not(%b) and %b");
  CHECK(reprinted("if %b { i } else { j } + 1") == "if %b { i } else { j } + 1");
}

TEST_CASE("negative constants and negations do not mix") {
  CHECK(reprinted("neg(3)") == "neg(3)");
  CHECK(reprinted("- 3") == "-3");
  CHECK(reprinted("i - -3") == "i - -3");
  CHECK(reprinted("i -3") == "i - 3");
  CHECK(reprinted("%t[-1 + 2]") == "%t[-1 + 2]");
}

TEST_CASE("indices print by level, whatever their names were") {
  CHECK(reprinted("sum[row: 2..%x, col: i + 3](row * col + j)") ==
        "sum[k: 2..%x, l: i + 3](k * l + j)");
  CHECK(ir::index_name(0) == "i");
  CHECK(ir::index_name(9) == "r");
  CHECK(ir::index_name(10) == "i10");
}

TEST_CASE("comments, blank lines and lines broken inside brackets are fine") {
  const ir::Module module = valid_ir(R"(; a comment
func @main(
) effects {   ; another
entry:

  %t = compute [
    i: 2,
  ; inside
    j: 2] {
    f32(i)
      + 1.0 }
  print %t
  ret
}
)");
  CHECK(ir::print(module) ==
        "func @main() effects {\nentry:\n  %t = compute [i: 2, j: 2] { f32(i) + "
        "1.0 }\n  print %t\n  ret\n}\n");
}

TEST_CASE("blocks may stand in any order, and unreachable ones too") {
  const std::string text = R"(func @f(%c: bool) -> i64 {
entry:
  jump middle
last:
  %sum = add %x, %x
  ret %sum
middle:
  %x = const 1
  branch %c, last, middle2
lost2:
  %b = add %a, %a
  jump lost2
lost:
  %a = const 1
  jump lost2
middle2:
  jump last
}
)";
  CHECK(ir::print(valid_ir(text)) == text);
}

/// `line:column: message` of the first error.
std::string error_in(std::string_view text) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const uint32_t file = sources.add("test.ir", std::string(text));
  ir::parse(sources, file, diagnostics);
  if (!diagnostics.any()) return "none";
  const lexer::Diagnostic& first = diagnostics.all()[0];
  CHECK(first.code == "E0601");
  const lexer::Position at = sources.file(file).position(first.span.begin);
  return std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + first.message;
}
std::string error_in_line(std::string_view line) {
  return error_in(ir_function("%x: i64, %b: bool, %t: f32[4]", line));
}

TEST_CASE("errors say what was expected, and where") {
  CHECK(error_in("blah") == "1:1: expected `func`, found `blah`");
  CHECK(error_in("func @f() {\na:\n  ret\n") == "4:1: expected `}`, found the end of the text");
  CHECK(error_in("func @f() {\n  ret\n}") ==
        "2:3: expected a block's label, as `entry:`, found `ret`");
  CHECK(error_in("func @f() {}") == "1:12: expected the end of the line, found `}`");
  CHECK(error_in("func @f() {\n}\nfunc @f() {\n}\n") == "3:6: function `@f` is defined twice");
  CHECK(error_in("func @f(%x: i64, %x: i64) {\n}\n") == "1:18: `%x` is defined twice");
  CHECK(error_in("func @f(%x: f8) {\n}\n") == "1:13: there is no type `f8`");
  CHECK(error_in("func @f(%x: f32[9223372036854775807]) {\n}\n") ==
        "1:13: `f32[9223372036854775807]` is too large for memory");
  CHECK(error_in("func @f(%x: f32[-1]) {\n}\n") == "1:17: expected an extent, found `-`");
  CHECK(error_in("func @f() {\na:\n  ret\na:\n  ret\n}\n") == "4:1: block `a` is defined twice");

  CHECK(error_in_line("  %y = blah %x") == "3:8: there is no instruction `blah`");
  CHECK(error_in_line("  %y = apply %x") == "3:8: there is no instruction `apply`");
  CHECK(error_in_line("  %x = const 1") == "3:3: `%x` is defined twice");
  CHECK(error_in_line("  %y = add %x, %z") == "3:16: `%z` is not defined before this");
  CHECK(error_in_line("  %y = add %x") == "3:8: `add` takes 2 operands, but 1 is given");
  CHECK(error_in_line("  %y = add %b, %b") == "3:8: `add` does not take `bool`");
  CHECK(error_in_line("  %y = neg %t") == "3:8: `neg` does not take `f32[4]`");
  CHECK(error_in_line("  add %x, %x") == "3:3: this gives 1 values, but 0 are named");
  CHECK(error_in_line("  %y = drop %t") == "3:3: this gives 0 values, but 1 are named");
  CHECK(error_in_line("  %y = element %t[:]") == "3:19: expected a value, found `:`");
  CHECK(error_in_line("  %y = update %t[] = %x") == "3:18: expected a value, found `]`");
  CHECK(error_in_line("  %y = update %t[:%x] = %x") == "3:19: expected `]`, found `%x`");
  CHECK(error_in_line("  %y, %z = add %x, %x") == "3:3: this gives 1 values, but 2 are named");
  CHECK(error_in_line("  %y, = add %x, %x") == "3:7: expected a value, found `=`");
  CHECK(error_in("func @f() -> () {\n}\n") == "1:15: expected a type, found `)`");
  CHECK(error_in("func @f() -> (i64 {\n}\n") == "1:19: expected `)`, found `{`");
  const std::string two = "func @g() -> (i64, i64) {\na:\n  %y, %y = call @g()\n}\n";
  CHECK(error_in(two) == "3:7: `%y` is defined twice");
  CHECK(error_in("func @g() -> (i64, i64) {\na:\n  %y = compute [i: 2] { @g() }\n}\n") ==
        "3:25: only functions that return one scalar are called in an expression");
  CHECK(error_in_line("  drop %t, %t") == "3:10: expected the end of the line, found `,`");
  CHECK(error_in_line("  jump there") == "3:8: there is no block `there`");
  CHECK(error_in_line("  call @g()") == "3:8: there is no function `@g`");
  CHECK(error_in_line("  save \"open") == "3:8: this string has no closing quote on its line");
  CHECK(error_in_line("  save \"\\q\", %x") == "3:8: unknown escape `\\q` in a string");
  CHECK(error_in_line("  %y = const 300i8") == "3:14: `300i8` is not a constant of any type");
  CHECK(error_in_line("  %y = const 3f32") == "3:14: `3f32` is not a constant of any type");
  CHECK(error_in_line("  %y = const 3.0i32") == "3:14: `3.0i32` is not a constant of any type");
  CHECK(error_in_line("  %y = const 1e999") == "3:14: `1e999` is not a constant of any type");
  CHECK(error_in_line("  %y = const $") == "3:14: unexpected character");

  CHECK(error_in_line("  %y = compute [i: 4] { i, i }") ==
        "3:3: this gives 2 values, but 1 are named");
  CHECK(error_in_line("  %y = compute [i: 4] { k }") == "3:25: index `k` is not bound here");
  CHECK(error_in_line("  %y = compute [i: 4, i: 4] { i }") == "3:23: index `i` is bound twice");
  CHECK(error_in_line("  %y = compute [i: 4] { sum[k: 2, k: 2](k) }") ==
        "3:35: index `k` is bound twice");
  CHECK(error_in_line("  %y = compute [i: 4] { sum[k: 2, l: k](l) }") ==
        "3:38: index `k` is not bound here");
  CHECK(error_in_line("  %y = compute [max: 4] { 1 }") ==
        "3:17: `max` cannot be the name of an index");
  CHECK(error_in_line("  %y = compute [i: 4] { %t }") == "3:28: expected `[`, found `}`");
  CHECK(error_in_line("  %y = compute [i: 4] { %t[i, i] }") ==
        "3:25: `%t` has rank 1, but 2 subscripts are given");
  CHECK(error_in_line("  %y = compute [i: 4] { %t[1.0] }") ==
        "3:25: a subscript is `f32`, not `i64`");
  CHECK(error_in_line("  %y = compute [i: 4] { 1 < 2 < 3 }") == "3:31: expected `}`, found `<`");
  CHECK(error_in_line("  %y = compute [i: 4] { if 1 { 2 } else { 3 } }") ==
        "3:25: a condition is `i64`, not `bool`");
  CHECK(error_in_line("  %y = compute [i: 9223372036854775807] { i }") ==
        "3:16: `i64[9223372036854775807]` is too large for memory");
}

TEST_CASE("each function's first error is told") {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const std::string wrong = ir_function("", "  blah");
  std::string text;
  for (const char* name : {"@a", "@b", "@c"}) {
    text += wrong;
    text.replace(text.rfind("@f"), 2, name);
  }
  ir::parse(sources, sources.add("test.ir", text + "func 3\n"), diagnostics);
  CHECK(diagnostics.all().size() == 4);
}

TEST_CASE("deep nesting is an error, not a crash") {
  runtime::run_on_large_stack([] {
    const std::string open(100'000, '('), close(100'000, ')');
    CHECK(error_in_line("  %y = compute [] { " + open + "1" + close + " }") ==
          "3:4021: an expression is nested more than 4000 levels deep");
    std::string chain = "1";
    for (int i = 0; i < 100'000; ++i) chain += " + 1";
    CHECK(error_in_line("  %y = compute [] { " + chain + " }") ==
          "3:21: an expression is nested more than 4000 levels deep");
  });
}

TEST_CASE("expressions as deep as allowed are printed, verified and read back") {
  runtime::run_on_large_stack([] {
    std::string deep = "%x";
    for (int i = 0; i < 3000; ++i) deep = "neg(" + deep + ")";
    const std::string text = ir_function("%x: i64", "  %y = compute [] { " + deep + " }");
    CHECK(ir::print(valid_ir(text)) == text);
  });
}

TEST_CASE("any bytes give a module or an error") {
  std::mt19937 random(1);
  const std::string text(kEverything);
  int wrong = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string broken = text;
    for (int edits = 1 + static_cast<int>(random() % 3); edits > 0; --edits) {
      const size_t at = random() % broken.size();
      switch (random() % 4) {
        case 0: broken[at] = static_cast<char>(random()); break;
        case 1: broken.erase(at, random() % 20); break;
        case 2: broken.insert(at, text, random() % text.size(), random() % 20); break;
        case 3: broken.resize(at + 1); break;
      }
    }
    lexer::SourceMap sources;
    lexer::Diagnostics diagnostics;
    const ir::Module module = ir::parse(sources, sources.add("x.ir", broken), diagnostics);
    if (diagnostics.any()) {
      ++wrong;
    } else if (ir::verify(module).empty()) {
      const std::string once = ir::print(module);
      CHECK(ir::print(parse_ir(once)) == once);
    }
  }
  CHECK(wrong > 1000);
}

TEST_CASE("a megabyte of random bytes is told off quickly") {
  std::mt19937 random(2);
  std::string bytes(1 << 20, ' ');
  for (char& c : bytes) c = static_cast<char>(random());
  CHECK(error_in(bytes) != "none");
  std::string functions;
  for (int i = 0; i < 20'000; ++i) functions += "\nfunc @f(";
  CHECK(error_in(functions) != "none");
}

}  // namespace
}  // namespace tenon::tests
