#include <doctest/doctest.h>

#include <random>
#include <string>

#include "lexer/scanner.h"
#include "parser/parser.h"

using namespace tenon;
using namespace tenon::ast;

namespace {

/// An expression with all its parentheses: `(a + (b * c))`.
struct Show {
  static std::string show(const ExprPtr& e) { return std::visit(Show{}, e->node); }
  static std::string list(const std::vector<ExprPtr>& exprs) {
    std::string text;
    for (const ExprPtr& e : exprs) text += (text.empty() ? "" : ", ") + show(e);
    return text;
  }
  static std::string list(const std::vector<IndexBinding>& indices) {
    std::string text;
    for (const IndexBinding& index : indices) {
      text += (text.empty() ? "" : ", ") + index.name.text + (index.hi ? ": " : "");
      if (index.lo) text += show(index.lo) + "..";
      if (index.hi) text += show(index.hi);
    }
    return text;
  }
  static std::string infix(std::string_view op, const ExprPtr& left, const ExprPtr& right) {
    return fmt::format("({} {} {})", show(left), op, show(right));
  }

  std::string operator()(const NumberLiteral& e) { return e.text; }
  std::string operator()(const BoolLiteral& e) { return e.value ? "true" : "false"; }
  std::string operator()(const StringLiteral& e) { return "\"" + e.value + "\""; }
  std::string operator()(const NameRef& e) { return e.name; }
  std::string operator()(const ErrorExpr&) { return "?"; }
  std::string operator()(const Unary& e) {
    return fmt::format("({} {})", row(e.op).text, show(e.operand));
  }
  std::string operator()(const Binary& e) {
    std::string_view symbol = row(e.op).infix;
    return infix(symbol.empty() ? row(e.op).text : symbol, e.left, e.right);
  }
  std::string operator()(const Matmul& e) { return infix("@", e.left, e.right); }
  std::string operator()(const Call& e) {
    return fmt::format("{}({})", e.callee.text, list(e.args));
  }
  std::string operator()(const Convert& e) {
    return fmt::format("{}<{}>", row(e.to).text, show(e.operand));
  }
  std::string operator()(const Subscript& e) {
    return fmt::format("{}[{}{}]", show(e.base), list(e.subscripts),
                       e.otherwise ? " else " + show(e.otherwise) : "");
  }
  std::string operator()(const Colon&) { return ":"; }
  std::string operator()(const Run& e) { return "..." + e.name; }
  std::string operator()(const BracketArg& e) { return e.name.text + "="; }
  std::string operator()(const Field& e) { return show(e.base) + "." + e.name.text; }
  std::string operator()(const Tuple& e) { return "(" + list(e.elements) + ")"; }
  std::string operator()(const Reduce& e) {
    return fmt::format("({}[{}] {})", ast::text(e.reduction), list(e.indices), show(e.body));
  }
  std::string operator()(const IfExpr& e) {
    return fmt::format("(if {} then {} else {})", show(e.condition), show(e.then),
                       show(e.otherwise));
  }
  std::string operator()(const TensorLiteral& e) { return fmt::format("[{}]", list(e.elements)); }
};

/// A text, its tree and its diagnostics.
struct Parsed {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  Program program;

  explicit Parsed(std::string text) {
    uint32_t file = sources.add("in.tn", std::move(text));
    program = parser::parse(sources, file, diagnostics);
  }
  /// "E0201@2:3 ..." of all diagnostics.
  std::string errors() const {
    std::string text;
    for (const lexer::Diagnostic& d : diagnostics.all()) {
      lexer::Position at = sources.file(0).position(d.span.begin);
      text += fmt::format("{}{}@{}:{}", text.empty() ? "" : " ", d.code, at.line, at.column);
    }
    return text;
  }
  std::string rendered() const {
    std::string text;
    for (const lexer::Diagnostic& d : diagnostics.all()) text += render(d, sources);
    return text;
  }
  const Block& body() const {
    REQUIRE(program.functions.size() > 0);
    return program.functions.back().body;
  }
  std::string text(Span span) const { return std::string(sources.text(span)); }
};

/// An expression as the parser reads it.
std::string read(const std::string& expr) {
  Parsed parsed("fn f() { let x = " + expr + "; }");
  CHECK(parsed.errors() == "");
  REQUIRE(parsed.body().size() == 1);
  return Show::show(std::get<Let>(parsed.body()[0].node).value);
}

/// The errors of statements, which begin on line 1.
std::string errors(const std::string& statements) {
  return Parsed("fn f() { " + statements + " }").errors();
}

/// Message and hint of the first error of statements.
std::string message(const std::string& statements) {
  Parsed parsed("fn f() { " + statements + " }");
  REQUIRE(parsed.diagnostics.any());
  const lexer::Diagnostic& first = parsed.diagnostics.all()[0];
  return first.message + (first.hints.empty() ? "" : "; " + first.hints[0].text);
}

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("precedence, level by level") {
  CHECK(read("a or b and c") == "(a or (b and c))");
  CHECK(read("a and b or c and d") == "((a and b) or (c and d))");
  CHECK(read("not a and b") == "((not a) and b)");
  CHECK(read("not a == b") == "(not (a == b))");
  CHECK(read("a + 1 < b - 2") == "((a + 1) < (b - 2))");
  CHECK(read("a + b * c - d") == "((a + (b * c)) - d)");
  CHECK(read("a - b - c") == "((a - b) - c)");
  CHECK(read("a / b * c % d @ e") == "((((a / b) * c) % d) @ e)");
  CHECK(read("-a * b") == "((neg a) * b)");
  CHECK(read("-2 ** 2") == "(neg (2 pow 2))");
  CHECK(read("2 ** 3 ** 2") == "(2 pow (3 pow 2))");
  CHECK(read("2 ** -1") == "(2 pow (neg 1))");
  CHECK(read("2 ** -x * y") == "((2 pow (neg x)) * y)");
  CHECK(read("-x[0] ** f(y)") == "(neg (x[0] pow f(y)))");
  CHECK(read("a - -b") == "(a - (neg b))");
  CHECK(read("- - a") == "(neg (neg a))");
}

TEST_CASE("reductions reach as far right as a product does") {
  CHECK(read("sum[k] a[k] * b[k] + c") == "((sum[k] (a[k] * b[k])) + c)");
  CHECK(read("b[o] + sum[k] x[i, k] * w[k, o]") == "(b[o] + (sum[k] (x[i, k] * w[k, o])))");
  CHECK(read("2.0 * sum[k] a[k] * b[k]") == "(2.0 * (sum[k] (a[k] * b[k])))");
  CHECK(read("2.0 * sum[k] a[k] * b[k] + 1.0") == "((2.0 * (sum[k] (a[k] * b[k]))) + 1.0)");
  CHECK(read("-sum[k] a[k] @ b") == "(neg (sum[k] (a[k] @ b)))");
  CHECK(read("sum[i] prod[j] -a[i, j]") == "(sum[i] (prod[j] (neg a[i, j])))");
  CHECK(read("all[i] a[i] == b[i]") == "((all[i] a[i]) == b[i])");
  CHECK(read("all[i] (a[i] == b[i])") == "(all[i] (a[i] == b[i]))");
  CHECK(read("max[y: 2, x: 1..n + 1] t[y, x]") == "(max[y: 2, x: 1..(n + 1)] t[y, x])");
  CHECK(read("max(a, b) + argmax[c] l[c]") == "(max(a, b) + (argmax[c] l[c]))");
}

TEST_CASE("prefix operators may follow any operator") {
  CHECK(read("a * not b == c") == "(a * (not (b == c)))");
  CHECK(read("a * not b == c or d") == "((a * (not (b == c))) or d)");
  CHECK(read("a == not b") == "(a == (not b))");
  CHECK(read("a ** sum[k] b[k] * c + d") == "((a pow (sum[k] (b[k] * c))) + d)");
}

TEST_CASE("if expressions end at their last brace") {
  CHECK(read("if a { 1 } else { 2 } + 3") == "((if a then 1 else 2) + 3)");
  CHECK(read("if a { 1 } else if b { 2 } else { 3 }") == "(if a then 1 else (if b then 2 else 3))");
  CHECK(read("sum[n] if g[n] == l[n] { 1 } else { 0 }") ==
        "(sum[n] (if (g[n] == l[n]) then 1 else 0))");
  CHECK(read("(if a { x } else { y })[0]") == "(if a then x else y)[0]");
  CHECK(errors("let z = if a { x } else { y }[0];") == "E0201@1:39");
  CHECK(errors("let z = if a { x };") == "E0201@1:28");
}

TEST_CASE("other expressions") {
  CHECK(read("x[i - 1, j else 0.0]") == "x[(i - 1), j else 0.0]");
  CHECK(read("f32(x) / i64(3)") == "(f32<x> / i64<3>)");
  CHECK(read("[[1.0, x], [y, 2.0]]") == "[[1.0, x], [y, 2.0]]");
  CHECK(read("1_000 + 0xff_00") == "(1000 + 0xff00)");
  CHECK(read("f(g(), true, not false)") == "f(g(), true, (not false))");
  CHECK(read("load(\"a\\tb\")") == "load(\"a\tb\")");
}

TEST_CASE("at the start of a statement `if` is the statement") {
  Parsed parsed("fn f() { if a { x = 1; } else if b { y = 2; } else { } if c { } }");
  CHECK(parsed.errors() == "");
  REQUIRE(parsed.body().size() == 2);
  const auto& first = std::get<If>(parsed.body()[0].node);
  REQUIRE(first.otherwise.size() == 1);
  CHECK(std::holds_alternative<If>(first.otherwise[0].node));
  CHECK(errors("if a { 1 } else { 2 };") == "E0201@1:19 E0201@1:30 E0201@1:31");
}

TEST_CASE("items and statements have their parts and spans") {
  Parsed parsed(
      "const N = 64;\n"
      "fn f[B, I](x: f32[B, I + 1], n: i64) -> f64 {\n"
      "  let y[i, j: 2..5]: f64 = x[i, j];\n"
      "  var v = (1 + 2) * 3;\n"
      "  v[0, 1] += 2;\n"
      "  for k in 0..n { continue; }\n"
      "  while true { break; }\n"
      "  print();\n"
      "  return y;\n"
      "}\n");
  CHECK(parsed.errors() == "");
  REQUIRE(parsed.program.consts.size() == 1);
  CHECK(parsed.text(parsed.program.consts[0].span) == "const N = 64;");
  const Function& f = parsed.program.functions.at(0);
  CHECK(parsed.text(f.name.span) == "f");
  CHECK(f.parameters.size() == 2);
  CHECK(f.params.size() == 2);
  CHECK(parsed.text(f.params[0].type.span) == "f32[B, I + 1]");
  CHECK(std::get<runtime::DType>(f.result->head) == runtime::DType::f64);
  CHECK(parsed.text(f.span).starts_with("fn f["));
  CHECK(parsed.text(f.span).ends_with("return y;\n}"));

  const auto& y = std::get<Let>(f.body.at(0).node);
  CHECK_FALSE(y.is_var);
  CHECK(y.indices->size() == 2);
  CHECK(std::get<runtime::DType>(y.type->head) == runtime::DType::f64);
  CHECK(parsed.text(f.body[0].span) == "let y[i, j: 2..5]: f64 = x[i, j];");
  const auto& v = std::get<Let>(f.body.at(1).node);
  CHECK(v.is_var);
  CHECK_FALSE(v.indices);
  const auto& product = std::get<Binary>(v.value->node);
  CHECK(parsed.text(v.value->span) == "(1 + 2) * 3");
  CHECK(parsed.text(product.left->span) == "(1 + 2)");
  CHECK(parsed.text(product.op_span) == "*");
  CHECK(std::get<Assign>(f.body.at(2).node).op == runtime::ScalarOp::add);
  CHECK(std::get<For>(f.body.at(3).node).body.size() == 1);
  CHECK(std::holds_alternative<While>(f.body.at(4).node));
  CHECK(std::holds_alternative<Evaluate>(f.body.at(5).node));
  CHECK(std::holds_alternative<Return>(f.body.at(6).node));
}

TEST_CASE("emit ast") {
  Parsed parsed(
      "const N = 2;\nfn f(x: f32[N]) {\n  let y[i] = -x[i];\n  if y { print(\"a\\n\"); }\n}\n");
  CHECK(print(parsed.program, parsed.sources) ==
        "const N 1:1-1:13\n"
        "  number 2 1:11-1:12\n"
        "function f 2:1-5:2\n"
        "  param x 2:6-2:7\n"
        "    type f32 2:9-2:15\n"
        "      name N 2:13-2:14\n"
        "  body\n"
        "    let y 3:3-3:20\n"
        "      index i 3:9-3:10\n"
        "      neg 3:14-3:19\n"
        "        subscript 3:15-3:19\n"
        "          name x 3:15-3:16\n"
        "          name i 3:17-3:18\n"
        "    if 4:3-4:25\n"
        "      name y 4:6-4:7\n"
        "      then\n"
        "        evaluate 4:10-4:23\n"
        "          call print 4:10-4:22\n"
        "            string \"a\\n\" 4:16-4:21\n");
}

TEST_CASE("several syntax errors are found in one run") {
  Parsed parsed(
      "fn f() {\n"
      "  let = 1;\n"
      "  let a = 1 +;\n"
      "  let b = 2;\n"
      "  while x < { c = 3; }\n"
      "  let d = 4\n"
      "  let e = 5;\n"
      "}\n"
      "const 3;\n"
      "fn g() { return 1 }\n");
  CHECK(parsed.errors() == "E0201@2:7 E0201@3:14 E0201@5:13 E0201@6:12 E0201@9:7 E0201@10:19");
  REQUIRE(parsed.program.functions.size() == 2);
  const Block& f = parsed.program.functions[0].body;
  REQUIRE(f.size() == 2);
  CHECK(std::get<Let>(f[0].node).name.text == "b");
  CHECK(std::get<Let>(f[1].node).name.text == "e");
}

TEST_CASE("an unclosed bracket is shown where it was opened, and the next function is read") {
  Parsed parsed("fn f() {\n  if a {\n    b = (c;\n\nfn g() { }\n");
  CHECK(parsed.errors() == "E0201@3:11 E0201@5:1");
  CHECK(parsed.diagnostics.all()[1].message == "expected `}`, found `fn`");
  CHECK(parsed.text(parsed.diagnostics.all()[1].notes.at(0).span) == "{");
  REQUIRE(parsed.program.functions.size() == 2);
  CHECK(parsed.program.functions[1].name.text == "g");
  CHECK(Parsed("fn f() {").errors() == "E0201@1:9");
}

TEST_CASE("messages say what was expected, and hint at frequent mistakes") {
  CHECK(message("let x = 1\n let y = 2;") ==
        "expected `;`, found `let`; write `;` behind the statement");
  CHECK(message("if x = 3 { }") == "expected `{`, found `=`; `=` assigns; `==` compares");
  CHECK(message("x == 4;") ==
        "expected an assignment or `;`, found `==`; `==` compares; `=` assigns");
  CHECK(message("a < b < c;") == "expected an assignment or `;`, found `<`");
  CHECK(message("let z = a < b < c;") == "comparisons do not chain; write `a < b and b < c`");
  CHECK(message("let z = a && b;") == "unexpected character `&&`; write `and`");
  CHECK(message("let max = 1;") == "expected a name, found `max`; `max` is a reserved word");
  CHECK(message("elif x { }") ==
        "expected an assignment or `;`, found `x`; instead of `elif` write `else if`");
  CHECK(message("x++;") == "expected an assignment or `;`, found `+`; write `+= 1`");
  CHECK(message("f(a b);") == "expected `,` or `)`, found `b`");
  CHECK(message("let x = ;") == "expected an expression, found `;`");
  CHECK(message("let x: 3 = 1;") == "expected a type, found `3`");
  CHECK(message("let q = if a { 1 };") ==
        "expected `else`, found `;`; an `if` that gives a value needs an `else`");
  CHECK(errors("let z = (a < b) == c;") == "");
  CHECK(errors("let z = a < b == c <= d;") == "E0202@1:24 E0202@1:29");
}

TEST_CASE("strings stand in calls only") {
  CHECK(errors("let s = \"a\";") == "E0205@1:18");
  CHECK(errors("print(\"a\" + \"b\");") == "E0201@1:20");
  CHECK(errors("print(\"a\", \"b\");") == "");
}

TEST_CASE("what can be assigned") {
  CHECK(errors("x = 1; x[i, j] -= 2;") == "");
  CHECK(errors("f(x) = 1;") == "E0304@1:10");
  CHECK(errors("x[i][j] = 1;") == "E0304@1:10");
  CHECK(errors("x[i else 0] = 1;") == "E0304@1:10");
  CHECK(errors("f32(x, y);") == "E0405@1:10");
}

TEST_CASE("what is not there yet is refused at its place, and the rest is read") {
  auto only = [](std::string text, std::string place, std::string what) {
    CAPTURE(text);
    Parsed parsed(text);
    CHECK(parsed.errors() == "E0901@" + place);
    REQUIRE(parsed.diagnostics.any());
    CHECK(parsed.diagnostics.all()[0].message == what + " not supported yet");
  };
  auto in_body = [&](std::string text, std::string column, std::string what) {
    only("fn f() { " + text + " }", "1:" + column, what);
  };
  in_body("let g = grad loss(w, b) wrt w, b;", "18", "derivatives are");
  in_body("w -= r * (grad loss(w) wrt w);", "20", "derivatives are");
}

TEST_CASE("items, types and expressions of all kinds are read") {
  const std::string text =
      "import \"a.tn\";\n"
      "struct D[I, T: float = 1] { w: T[I], max: bool }\n";
  CHECK(Parsed(text).errors() == "E0201@2:22");  // only dimensions have defaults
  Parsed parsed(
      "import \"a.tn\";\n"
      "struct D[I, T: float] { w: T[I], max: (bool, D[3, f64]) }\n"
      "fn f[S = 1, T: float, ...R](x: f32[...R, S]) -> (T, T[S]) {\n"
      "  let (a, b) = f[S = 2, f64](x);\n"
      "  let m[...r] = sum[...s] x[...r, :, ...s];\n"
      "  d.w[0, :] += D(w = a, max = s.max).w;\n"
      "  let c[i] = a[i] schedule g.y { split i by 8 as io, ii; at (N / 2); };\n"
      "  return (a, b);\n"
      "}\n");
  CHECK(parsed.errors() == "");
  REQUIRE(parsed.program.imports.size() == 1);
  CHECK(parsed.program.imports[0].path == "a.tn");
  REQUIRE(parsed.program.records.size() == 1);
  const Record& record = parsed.program.records[0];
  CHECK(record.parameters[1].bound.text == "float");
  CHECK(record.fields[1].name.text == "max");
  CHECK(std::get<std::vector<TypeExpr>>(record.fields[1].type.head).size() == 2);
  const Function& f = parsed.program.functions.at(0);
  CHECK(f.parameters[0].fallback);
  CHECK(f.parameters[2].kind == ParameterKind::run);
  const auto& call = std::get<Call>(std::get<LetTuple>(f.body[0].node).value->node);
  REQUIRE(call.brackets.size() == 2);
  CHECK(call.brackets[0].name.text == "S");
  CHECK(std::get<runtime::DType>(call.brackets[1].value) == runtime::DType::f64);
  const auto& m = std::get<Let>(f.body[1].node);
  CHECK((*m.indices)[0].is_run);
  const auto& assigned = std::get<Subscript>(std::get<Assign>(f.body[2].node).target->node);
  CHECK(std::holds_alternative<Colon>(assigned.subscripts[1]->node));
  const Schedule& schedule = *std::get<Let>(f.body[3].node).schedule;
  CHECK(schedule.path.size() == 2);
  REQUIRE(schedule.directives.size() == 2);
  CHECK(schedule.directives[0].words.size() == 7);
}

TEST_CASE("limits: as deep as allowed, and one deeper") {
  auto depth = [](std::string expr) { return errors("let x = " + expr + ";"); };
  CHECK(depth(repeat("-", kMaxDepth - 1) + "1") == "");
  CHECK(depth(repeat("-", kMaxDepth) + "1") == "E0203@1:18");
  CHECK(depth(repeat("1+", kMaxDepth - 1) + "1") == "");
  CHECK(depth(repeat("1+", kMaxDepth) + "1") == "E0203@1:18");
  int inside = kMaxBrackets - 1;  // the function's brace is one
  CHECK(depth(repeat("(", inside) + "1" + repeat(")", inside)) == "");
  CHECK(depth(repeat("(", inside + 1) + "1" + repeat(")", inside + 1)) == "E0203@1:273");
}

TEST_CASE("hostile: nesting of every kind ends in one error") {
  constexpr int kMany = 100'000;
  auto refused = [](const std::string& statements) {
    CAPTURE(statements.substr(0, 40));
    Parsed parsed("fn f() { " + statements + " }");
    REQUIRE(parsed.diagnostics.all().size() == 1);
    CHECK(parsed.diagnostics.all()[0].code == "E0203");
    CHECK(parsed.rendered().size() < 2'000);
  };
  refused("let x = " + repeat("(", kMany) + "1" + repeat(")", kMany) + ";");
  refused("let x = " + repeat("[", kMany));
  refused("let x = " + repeat("- ", kMany) + "1;");
  refused("let x = " + repeat("not ", kMany) + "a;");
  refused("let x = " + repeat("sum[i] ", kMany) + "a;");
  refused("let x = " + repeat("a+", kMany) + "a;");
  refused("let x = " + repeat("a**", kMany) + "a;");
  refused("let x = " + repeat("a * not ", kMany) + "a;");
  refused("let x = a" + repeat("[0]", kMany) + ";");
  refused("let x = " + repeat("f(", kMany));
  refused("let x = " + repeat("if a {1} else ", kMany) + "{1};");
  refused("if a { } " + repeat("else if a { } ", kMany));
  refused(repeat("if a { ", kMany));
  refused(repeat("while a { for i in 0..1 { ", kMany));
}

TEST_CASE("hostile: a megabyte of random bytes, a line of 10 MB, an unterminated string") {
  std::mt19937 random(1);
  std::string bytes(1 << 20, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  CHECK(Parsed(bytes).diagnostics.all().size() == lexer::kMaxErrors);

  Parsed line("fn f() { let x = " + std::string(10 << 20, 'a') + " b; }");
  CHECK(line.diagnostics.all().size() == 1);
  CHECK(line.rendered().size() < 2'000);
  CHECK(Parsed("fn f() { print(\"abc").errors() == "E0103@1:16");
}

TEST_CASE("hostile: random sequences of tokens end, with bounded errors") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string text = round % 2 ? "fn f() { " : "";
    for (int i = 0; i < 300; ++i) {
      text +=
          std::string(lexer::kTokens[1 + random() % (std::size(lexer::kTokens) - 1)].text) + " ";
    }
    Parsed parsed(text);
    REQUIRE(parsed.diagnostics.any());
    REQUIRE(parsed.diagnostics.all().size() <= lexer::kMaxErrors);
    REQUIRE(parsed.rendered().size() < 100'000);
  }
}
