#include "ast/check.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "parser/parser.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

using namespace tenon;
using namespace tenon::ast;

namespace {

/// A program checked beside the real prelude.
struct Checking {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  typed::Program program;
  Unreached unreached;

  explicit Checking(const std::string& text, CheckOptions options = {}) {
    std::string text_of_prelude;
    for (const auto& path : tests::entries_of(tenon::tests::root() / "prelude")) {
      if (path.extension() == ".tn") text_of_prelude += tests::read_file(path);
    }
    Program prelude = parse("prelude.tn", text_of_prelude);
    Program user = parse("test.tn", text);
    if (!diagnostics.any()) program = check(prelude, user, options, diagnostics, &unreached);
  }
  Program parse(const std::string& name, const std::string& text) {
    return parser::parse(sources, sources.add(name, text), diagnostics);
  }

  /// The codes of what was reported, in order: `E0301 E0401`.
  std::string codes() const {
    std::string all;
    for (const lexer::Diagnostic& d : diagnostics.all()) all += (all.empty() ? "" : " ") + d.code;
    return all;
  }
  std::vector<std::string> instances() const { return instances(program); }
  static std::vector<std::string> instances(const typed::Program& program) {
    std::vector<std::string> names;
    for (const auto& f : program.functions) names.push_back(f->text());
    return names;
  }
};

std::string codes(const std::string& text) {
  return Checking(text).codes();
}
std::string in_main(const std::string& text) {
  return "fn main() {\n" + text + "\n}\n";
}

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

std::string refusal(const std::string& name, const std::string& value) {
  CheckOptions options;
  options.defines = {{name, value}};
  try {
    Checking("const N = 4;\nconst X = 0.5;\nconst B = true;\nconst T = i8(3);\nfn main() { }\n",
             options);
  } catch (const BadDefine& e) {
    return e.message;
  }
  return "";
}

TEST_CASE("one instance for each combination of numbers, main first") {
  Checking c("fn f[N](x: f32[N]) -> f32 { return x[0]; }\n" +
             in_main("print(f([1.0]), f([2.0]), f([1.0, 2.0]));"));
  CHECK(c.codes() == "");
  CHECK(c.instances() == std::vector<std::string>{"main", "f[N = 1]", "f[N = 2]"});
  CHECK(c.program.main == c.program.functions[0].get());
}

TEST_CASE("effects and recursion are found through calls") {
  Checking c(
      "fn says(x: f32) -> f32 { print(x); return x; }\n"
      "fn asks(x: f32) -> f32 { return says(x); }\n"
      "fn even(n: i32) -> bool { return if n == 0 { true } else { odd(n - 1) }; }\n"
      "fn odd(n: i32) -> bool { return if n == 0 { false } else { even(n - 1) }; }\n"
      "fn plain(x: f32) -> f32 { return x; }\n" +
      in_main("print(asks(1.0), even(2), plain(1.0));"));
  REQUIRE(c.codes() == "");
  for (const auto& f : c.program.functions) {
    CAPTURE(f->name);
    CHECK(f->pure == (f->name != "says" && f->name != "asks" && f->name != "main"));
    CHECK(f->recursive == (f->name == "even" || f->name == "odd"));
  }
}

TEST_CASE("a mistake draws one message") {
  CHECK(codes(in_main("let x = missing; let y = x + 1; print(y, x[0]); var z = y; z += 1;")) ==
        "E0301");
  CHECK(codes(in_main("let x: f32[3 / 0] = zeros(); print(x + 1.0);")) == "E0514");
  CHECK(codes(in_main("let y[i] = missing[i] * 2.0; print(sum[i] y[i]);")) == "E0301");
  CHECK(codes("fn f(x: f32[1 / 0]) -> f32 { return x[0]; }\n" + in_main("print(f([1.0]));")) ==
        "E0514");
}

TEST_CASE("errors in functions that nobody calls are found") {
  CHECK(codes("fn f[N](x: f32[N], y: f32[N + 1]) -> f32 { return sum[i] x[i] * y[i]; }\n"
              "fn g[N](x: f32[N]) -> f32 { return x[N]; }\n" +
              in_main("")) == "E0501 E0504");
}

TEST_CASE("what only the numbers decide is decided in the instance") {
  const std::string f = "fn f[N, M](x: f32[N], y: f32[M]) -> f32 { return sum[i] x[i] * y[i]; }\n";
  CHECK(codes(f + in_main("print(f([1.0], [2.0]));")) == "");
  Checking wrong(f + in_main("print(f([1.0], [2.0, 3.0]));"));
  REQUIRE(wrong.codes() == "E0501");
  CHECK(wrong.diagnostics.all()[0].notes.back().text == "in `f[N = 1, M = 2]`, called here");
}

TEST_CASE("what main does not reach is instantiated apart: where nothing is open, and else for samples") {
  using Names = std::vector<std::string>;
  Checking c(
      "fn f[N](x: f32[N]) -> f32[N] { let y[i] = x[i] schedule { parallel i; }; return y; }\n"
      "fn g[N, T: int](x: T[N], y: T[N / 4 * 4]) -> T[N] {\n"
      "  let z[i] = x[i] + y[i] schedule { parallel i; }; return z; }\n"
      "fn h[N](x: f32[N]) -> f32[N] { let y[i] = f(x)[i] schedule { parallel i; }; return y; }\n"
      "fn plain[N](x: f32[N]) -> f32 { return x[0]; }\n"
      "fn closed[N = 2]() -> f32 { let x: f32[N] = ones(); return f(x)[0]; }\n" +
      in_main("print(f([1.0]));"));
  REQUIRE(c.codes() == "");
  CHECK(c.instances() == Names{"main", "f[N = 1]"});
  CHECK(c.program.main != nullptr);
  CHECK(c.instances(c.unreached.closed) == Names{"closed[N = 2]", "f[N = 2]"});
  CHECK(c.unreached.closed.main == nullptr);
  CHECK(c.unreached.closed.functions[0]->exported != "");
  CHECK(c.unreached.closed.functions[1]->exported == "");
  std::vector<Names> samples;
  for (const typed::Program& sample : c.unreached.samples) samples.push_back(c.instances(sample));
  CHECK(samples == std::vector<Names>{{"g[N = 4, T = i32]", "h[N = 4]", "f[N = 4]"},
                                      {"h[N = 7]", "f[N = 7]"},
                                      {"g[N = 16, T = i64]", "h[N = 16]", "f[N = 16]"},
                                      {"g[N = 256, T = i32]", "h[N = 256]", "f[N = 256]"}});
}

TEST_CASE("dimensions that divide by zero do so when the program runs") {
  CHECK(codes("fn f[N](x: f32[N]) -> i64 { return if N > 0 { 10 / N } else { 0 }; }\n" +
              in_main("let e: f32[0] = zeros(); print(f(e));")) == "");
}

TEST_CASE("subscripts are refused only where they are certain to be reached") {
  const std::string x = "let x = [1.0, 2.0]; let c = x[0] > 0.0;\n";
  CHECK(codes(in_main(x + "print(x[2]);")) == "E0504");
  CHECK(codes(in_main(x + "print(if c { x[2] } else { 0.0 });")) == "");
  CHECK(codes(in_main(x + "if c { print(x[2]); }")) == "");
  CHECK(codes(in_main(x + "print(c and x[2] > 0.0, c or x[2] > 0.0);")) == "");
  CHECK(codes(in_main(x + "print(x[2] > 0.0 and c);")) == "E0504");
  CHECK(codes(in_main(x + "let y[i: 0] = x[i + 9]; let z[i: 0, j: 3] = x[j];")) == "");
  CHECK(codes(in_main(x + "for i in 0..9 { print(x[i]); }")) == "");
  CHECK(codes(in_main(x + "let y[i: 2] = x[1 - i] + x[2 * i - i];")) == "");
  CHECK(codes(in_main(x + "let y[i: 2] = x[2 * i];")) == "E0504");
}

TEST_CASE("a base that is subscripted may use indices of outer reductions, not of inner ones") {
  const std::string w = "let w: f32[2, 3] = ones(); let x: f32[4, 2] = ones();\n";
  CHECK(codes(in_main(w + "let c[i, j] = sum[k] relu(x)[i, k] * abs(w)[k, j]; print(c);")) == "");
  CHECK(codes(in_main(w + "let c[i] = sum[k: 2] abs(w + f32(k))[0, i]; print(c);")) == "E0502");
}

TEST_CASE("nested subscripted reductions are looked at once each") {
  std::string open, close;
  for (int k = 0; k < 100; ++k) {
    open += fmt::format("sum[k{0}] abs(x + ", k);
    close = fmt::format(")[k{}]", k) + close;
  }
  CHECK(codes(in_main("let x = [1.0, 2.0]; print(" + open + "1.0" + close + ");")) == "");
}

TEST_CASE("limits") {
  std::string chain;  // each const needs the next; the first comes first
  for (int k = 0; k < 2000; ++k) chain += fmt::format("const C{} = C{};\n", 10000 + k, 10001 + k);
  chain += "const C12000 = 1;\n";
  CHECK(codes(chain + in_main("")).starts_with("E0203"));
  CHECK(codes(in_main("let x[i: 9223372036854775807, j: 3] = 1.0;")) == "E0510");
  CHECK(codes(in_main("let x = 1.0; print(" + repeated("(", 200) + "x" + repeated(" ** 64)", 200) +
                      ");")) == "");
  CHECK(codes(in_main("print(2.5 ** 9223372036854775807, 2.0 ** -9223372036854775808);")) == "");
}

TEST_CASE("a -D has the type of the const that it replaces") {
  CHECK(refusal("N", "8") == "");
  CHECK(refusal("N", "-0x10") == "");
  CHECK(refusal("N", "1_000") == "");
  CHECK(refusal("X", "2") == "");
  CHECK(refusal("X", "-1e-3") == "");
  CHECK(refusal("B", "false") == "");
  CHECK(refusal("T", "100") == "");
  CHECK(refusal("N", "2.5") == "-D N=2.5: the const is an integer");
  CHECK(refusal("X", "true") == "-D X=true: the const is a float");
  CHECK(refusal("B", "1") == "-D B=1: the const is of type bool");
  CHECK(refusal("T", "300") == "-D T=300: the const is of type i8");
  CHECK(refusal("Q", "1") == "-D Q: the program has no const of that name");
  for (const char* text :
       {"", "x", "1.", ".5", "007", "0x", "1__0", "1e999", "99999999999999999999", "1 2"}) {
    CAPTURE(text);
    CHECK(tests::contains(refusal("X", text), "the value is not a number that fits"));
  }
}

TEST_CASE("a -D reaches consts that are made of others") {
  CheckOptions options;
  options.defines = {{"A", "5"}, {"B", "2"}};
  Checking c(
      "const A = C;\nconst C = B;\nconst B = 1;\nfn f[N](x: f32[N]) -> f32 { return x[0]; }\n" +
          in_main("let x: f32[C] = ones(); let y: f32[A] = ones(); print(f(x), f(y));"),
      options);
  CHECK(c.codes() == "");
  CHECK(c.instances() == std::vector<std::string>{"main", "f[N = 2]", "f[N = 5]"});
}

}  // namespace
