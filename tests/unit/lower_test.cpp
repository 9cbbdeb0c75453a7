// Lowering: the shape of what comes out, and that it does what the tree interpreter does.
#include "tests/unit/source_helpers.h"

namespace tenon::tests {
namespace {

/// The module of a program, which verifies.
ir::Module lowered(const Source& source) {
  ir::Module module = ir::lower(source.program);
  for (const ir::Violation& v : ir::verify(module)) FAIL_CHECK(v.where, ": ", v.message);
  return module;
}

/// The text of one function of a program.
std::string function_of(const std::string& text, std::string_view name) {
  const Source source(text);
  const ir::Module module = lowered(source);
  const ir::FuncId id = module.find(name);
  REQUIRE(id);
  return ir::print(module, module.function(id));
}

/// The lines of main with `lines`, without signature, entry label and ret.
std::string main_of(const std::string& lines) {
  std::string text = function_of(in_main(lines), "main");
  text.erase(0, text.find("entry:\n") + 7);
  return text.substr(0, text.rfind("  ret"));
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("variables become values, loops get parameters for what they change") {
  CHECK(function_of(R"(
fn power(x: i64, n: i64) -> i64 {
  var r: i64 = 1;
  let unchanged = x;
  for i in 0..n { r *= unchanged; }
  return r;
})"
                    "fn main() { print(power(2, 3)); }",
                    "power") == R"(func @power(%x: i64, %n: i64) -> i64 {
entry:
  %r = const 1
  %c = const 0
  jump loop(%c, %r)
loop(%i: i64, %r1: i64):
  %t = lt %i, %n
  branch %t, body, done
body:
  %r2 = mul %r1, %x
  %c1 = const 1
  %t1 = add %i, %c1
  jump loop(%t1, %r2)
done:
  ret %r1
}
)");
}

TEST_CASE("an if has a join only where both ways go on") {
  const std::string text = function_of(
      "fn sign(x: i64) -> i64 { if x < 0 { return 0 - 1; } else if x == 0 { return 0; } return 1; }"
      "fn main() { print(sign(2)); }",
      "sign");
  CHECK_FALSE(contains(text, "join"));
}

TEST_CASE("each edge of a branch leads to a block of its own, without arguments") {
  const Source source(kTrickyPrograms[10]);
  const ir::Module module = lowered(source);
  size_t branches = 0;
  for (const ir::Function& function : module.functions) {
    std::vector<int> ways_in(function.blocks.size());
    for (const ir::Block& block : function.blocks) {
      const auto* edges = std::get_if<std::vector<ir::Edge>>(&block.insts.back().attribute);
      if (!edges) continue;
      for (const ir::Edge& edge : *edges) ++ways_in[edge.target.index];
    }
    for (const ir::Block& block : function.blocks) {
      if (block.insts.back().op != ir::Op::branch) continue;
      ++branches;
      for (const ir::Edge& edge : block.insts.back().get<std::vector<ir::Edge>>()) {
        CHECK(edge.args.empty());
        CHECK(ways_in[edge.target.index] == 1);
      }
    }
  }
  CHECK(branches > 5);
}

TEST_CASE("index definitions become computes") {
  const std::string text = main_of(
      "let a = [[1.0, 2.0], [3.0, 4.0]];\n"
      "let y[i] = sum[k] a[i, k] * a[k, i];\n"
      "let z[i: 1..3] = a[i - 1, 0] + f32(i);\n"
      "print(y, z, max[i] y[i]);");
  CHECK(contains(text, "%y = compute [i: 2] { sum[j: 2](%a[i, j] * %a[j, i]) }"));
  CHECK(contains(text, "%z = compute [i: 2] { %a[i + 1 - 1, 0] + f32(i + 1) }"));
  CHECK(contains(text, "compute [] { max[i: 2](%y[i]) }"));
}

TEST_CASE("what does not depend on the index is evaluated once, before") {
  const std::string text =
      main_of("let x = [1.0, 2.0]; let y[i: 2] = x[i] / sum[k] x[k] + (x + x)[i]; print(y);");
  CHECK(contains(text, "= compute [] { sum[i: 2](%x[i]) }"));
  CHECK_FALSE(contains(text, "loop"));
}

TEST_CASE("straight-line scalar functions are inlined, others called") {
  const std::string functions = R"(
fn square(x: f32) -> f32 { let y = x * x; return y; }
fn sign(x: f32) -> f32 { if x < 0.0 { return -1.0; } return 1.0; }
)";
  const std::string text = function_of(
      functions + "fn main() { let a = [1.0]; let y[i: 1] = square(a[i]) + sign(a[i]); print(y); }",
      "main");
  CHECK(contains(text, "%y = compute [i: 1] { %a[i] * %a[i] + @sign(%a[i]) }"));
}

TEST_CASE("inlining stops before trees explode") {
  std::string text = "fn g0(x: f32) -> f32 { return x + 1.0; }\n";
  for (int i = 1; i < 60; ++i) {
    text += fmt::format("fn g{0}(x: f32) -> f32 {{ return g{1}(x) + g{1}(x * 2.0); }}\n", i, i - 1);
  }
  const Source source(
      text + "fn main() { let a = [1.0]; let y[i: 1] = g59(a[i]); if y[0] > 0.0 { print(1); } }");
  const ir::Module module = ir::lower(source.program);
  for (const ir::Function& function : module.functions) {
    for (uint32_t id = 0; id < function.exprs.size(); ++id) {
      CHECK(function.exprs[ir::ExprId{id}].tree_size <= 4 * ir::kMaxTreeSize);
    }
  }
}

TEST_CASE("many variables and many joins do not multiply") {
  std::string lines, last;
  for (int i = 0; i < 300; ++i) {
    lines += fmt::format("var v{} = {};\n", i, i);
    last += fmt::format("if v{0} > 5 {{ v{0} -= 1; }} while v{0} > 9 {{ v{0} -= 7; break; }}\n", i);
  }
  const Source source(in_main(lines + last + last));
  const ir::Module module = lowered(source);
  CHECK(module.function(module.main).values.size() < 600 * 30);
}

TEST_CASE("tensors that depend on the index are never made where that cannot be noticed") {
  const std::string text =
      main_of("let x = [1.0, 2.0];\nlet y[i: 2] = sum[k: 2] (x * f32(i))[k]; print(y);");
  CHECK(contains(text, "%y = compute [i: 2] { sum[j: 2](%x[j] * f32(i)) }"));
}

TEST_CASE("print takes texts together, with the blanks between pieces") {
  CHECK(main_of("print(\"a\", \"b\", 1, \"\", 2, \"c\");") ==
        "  %c = const 1i32\n  %c1 = const 2i32\n  print \"a b \", %c, \"  \", %c1, \" c\"\n");
}

TEST_CASE("code that cannot be reached is dropped") {
  const Source source(in_main(
      "while true { break; print(1); } for i in 0..3 { continue; print(2); } return; print(3);"));
  CHECK_FALSE(contains(ir::print(lowered(source)), "print"));
}

TEST_CASE("the SSA interpreter prints and fails as the tree interpreter does") {
  for (const std::string& text : kTrickyPrograms) {
    CAPTURE(text);
    const Source source(text);
    CHECK(executed(source, lowered(source)) == interpreted(source));
  }
}

}  // namespace
}  // namespace tenon::tests
