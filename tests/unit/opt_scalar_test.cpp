// The passes over scalars and control flow, beyond what tests/golden/opt/ shows: costs, limits, what
// must not happen. That programs do the same after any of them opt_test.cpp sees to.
#include <fmt/format.h>

#include "opt/pass.h"
#include "tests/unit/ir_helpers.h"
#include "tests/unit/source_helpers.h"

namespace tenon::tests {
namespace {

void run(ir::Module& module, std::string_view passes) {
  opt::PipelineOptions options;
  options.verify_each = true;
  try {
    opt::run_pipeline(module, passes, options);
  } catch (const opt::BrokenIr& broken) {
    for (const ir::Violation& v : broken.violations)
      FAIL_CHECK(broken.pass, ": ", v.where, ": ", v.message);
  }
}

std::string after(std::string_view passes, std::string_view text) {
  ir::Module module = valid_ir(text);
  run(module, passes);
  return ir::print(module);
}

TEST_CASE("each scalar pass has nothing left to do after itself") {
  for (const std::string& program : kTrickyPrograms) {
    CAPTURE(program);
    for (const std::string pass : {"sccp", "gvn", "simplify_cfg", "dce"}) {
      CAPTURE(pass);
      const Source source(program);
      ir::Module module = ir::lower(source.program);
      run(module, pass);
      const std::string once = ir::print(module);
      run(module, pass);
      CHECK(ir::print(module) == once);
    }
  }
}

// ---- inline

/// A callee of `size` additions and a main that calls it twice, with a constant or not.
std::string two_calls(int size, bool constant) {
  std::string text = "func @f(%x: i64) -> i64 {\nentry:\n  %a0 = add %x, %x\n";
  for (int i = 1; i < size; ++i) text += fmt::format("  %a{} = add %a{}, %x\n", i, i - 1);
  text += fmt::format("  ret %a{}\n}}\n\n", size - 1);
  text += "func @g(%x: i64, %y: i64) -> (i64, i64) {\nentry:\n  %one = const 1\n";
  return text + (constant ? "  %p = call @f(%one)\n  %q = call @f(%one)\n"
                          : "  %p = call @f(%x)\n  %q = call @f(%y)\n") +
         "  ret %p, %q\n}\n";
}

bool inlines(const std::string& text) {
  return after("inline", text).find("call") == std::string::npos;
}

TEST_CASE("inline weighs what it copies against what a call passes") {
  CHECK(inlines(two_calls(20, false)));
  CHECK_FALSE(inlines(two_calls(21, false)));
  CHECK(inlines(two_calls(24, true)));  // a constant is worth four
  CHECK_FALSE(inlines(two_calls(25, true)));
  SUBCASE("the only call is free") {
    std::string text = two_calls(2000, false);
    text.replace(text.find("  %q = call @f(%y)"), 18, "  %q = add %x, %y");
    CHECK(inlines(text));
  }
}

TEST_CASE("inline does not let chains of doubling calls explode") {
  std::string text = "func @f0(%x: i64) -> i64 {\nentry:\n  %y = add %x, %x\n  ret %y\n}\n\n";
  for (int i = 1; i <= 60; ++i) {
    text += fmt::format("func @f{0}(%x: i64) -> i64 {{\nentry:\n  %a = call @f{1}(%x)\n"
                        "  %b = call @f{1}(%a)\n  ret %b\n}}\n\n", i, i - 1);
  }
  text += "func @main() effects {\nentry:\n  %x = const 1\n  %y = call @f60(%x)\n  print %y\n  ret\n}\n";
  CHECK(after("inline,dce", text).size() < 20'000);
}

TEST_CASE("inline keeps the place of a failure and the order of effects") {
  const Source source(R"(fn f(x: i32) -> i32 {
  print("before");
  var y = x;
  while y > 3 { y = y - 1; }
  return 1 / (y - 3);
}
fn main() { print(f(2)); print(f(7)); })");
  ir::Module module = ir::lower(source.program);
  const std::string expected = interpreted(source);
  CHECK(expected.find("5:10") != std::string::npos);
  run(module, "inline,simplify_cfg,dce");
  CHECK(executed(source, module) == expected);
}

TEST_CASE("inline counts the depth of recursion as before") {
  const Source source(R"(fn half(n: i32) -> i32 { return down(n - 1); }
fn down(n: i32) -> i32 { if n > 0 { return half(n); } return 7; }
fn main() { print(down(999)); print(down(1001)); })");
  ir::Module module = ir::lower(source.program);
  const std::string expected = interpreted(source);
  run(module, "inline,sccp,gvn,simplify_cfg,dce,inline");
  CHECK(executed(source, module) == expected);
}

TEST_CASE("inline in a body evaluates what a call did, in its order") {
  const auto body = [](std::string_view callee, std::string_view call) {
    return after("inline", fmt::format("func @f(%x: i64, %y: i64) -> i64 {{\nentry:\n{}}}\n\n"
                                       "func @g(%t: i64[4], %u: i64[4]) -> i64[4] {{\nentry:\n"
                                       "  %r = compute [i: 4] {{ {} }}\n  ret %r\n}}\n",
                                       callee, call));
  };
  const std::string_view minus = "  %z = sub %y, %x\n  ret %z\n", first = "  ret %x\n";
  CHECK(body(minus, "@f(%t[i], 1 / %u[i])").find("{ 1 / %u[i] - %t[i] }") != std::string::npos);
  CHECK(body(minus, "@f(1 / %t[i], 1 / %u[i])").find("{ @f(") != std::string::npos);
  CHECK(body(first, "@f(%t[i], 1 / %u[i])").find("{ @f(") != std::string::npos);
}

// ---- dce

TEST_CASE("dce keeps what decides about a failure in a branch") {
  const std::string text = R"(func @f(%c: bool, %d: bool, %x: i64, %y: i64) {
entry:
  branch %c, then, out
then:
  %q = div %x, %y
  jump out
out:
  ret
}
)";
  CHECK(after("dce", text) == text);
}

TEST_CASE("dce removes a dead loop around a dead branch, but not with a printing one") {
  const auto loop = [](std::string_view inside) {
    return fmt::format(R"(func @f(%n: i64, %c: bool) effects {{
entry:
  %zero = const 0
  %one = const 1
  jump head(%zero)
head(%i: i64):
  %go = lt %i, %n
  branch %go, body, done
body:
  branch %c, then, next
then:
{}  jump next
next:
  %k = add %i, %one
  jump head(%k)
done:
  ret
}}
)", inside);
  };
  CHECK(after("dce,simplify_cfg", loop("  %x = mul %i, %i\n")) ==
        "func @f(%n: i64, %c: bool) effects {\nentry:\n  ret\n}\n");
  CHECK(after("dce", loop("  print \"x\"\n")) == loop("  print \"x\"\n"));
}

TEST_CASE("dce keeps a call that may not end") {
  const std::string text = R"(func @spin(%x: i64) -> i64 {
entry:
  %one = const 1
  jump head(%x)
head(%i: i64):
  %go = ne %i, %one
  branch %go, again, out
again:
  %twice = add %i, %i
  jump head(%twice)
out:
  ret %i
}

func @main() effects {
entry:
  %three = const 3
  %y = call @spin(%three)
  print "not reached"
  ret
}
)";
  CHECK(after("dce", text) == text);
}

TEST_CASE("dce renumbers the functions that are left, in bodies too") {
  const std::string head = "func @main() effects {\nentry:\n  %t = compute [i: 2] { @g(i) }\n"
                           "  print %t\n  ret\n}\n";
  const std::string unused = "func @f() {\nentry:\n  ret\n}\n";
  const std::string g = "func @g(%x: i64) -> i64 {\nentry:\n  %y = mul %x, %x\n  ret %y\n}\n";
  CHECK(after("dce", head + "\n" + unused + "\n" + g) == head + "\n" + g);
}

// ---- simplify_cfg

TEST_CASE("simplify_cfg takes circles and chains of empty blocks in its stride") {
  CHECK(after("simplify_cfg", R"(func @f(%c: bool) {
entry:
  branch %c, a, out
a:
  jump b
b:
  jump c
c:
  jump a
out:
  ret
}
)").find("branch") != std::string::npos);
  std::string chain = "func @f() {\nentry:\n  jump b0\n";
  for (int i = 0; i < 20'000; ++i) chain += fmt::format("b{}:\n  jump b{}\n", i, i + 1);
  CHECK(after("simplify_cfg", chain + "b20000:\n  ret\n}\n") == "func @f() {\nentry:\n  ret\n}\n");
}

TEST_CASE("simplify_cfg does not give a loop a second way in") {
  const std::string text = R"(func @f(%x: i64) -> i64 {
entry:
  %yes = const true
  jump head(%yes, %x)
head(%go: bool, %i: i64):
  branch %go, left, right(%i)
left:
  %j = mul %i, %x
  %more = gt %j, %x
  jump head(%more, %j)
right(%k: i64):
  %l = sub %k, %x
  %less = lt %l, %x
  branch %less, back, out
back:
  jump head(%less, %l)
out:
  ret %l
}
)";
  const std::string now = after("simplify_cfg", text);
  CHECK(now.find("jump head(%yes, %x)") != std::string::npos);
}

// ---- sccp

TEST_CASE("sccp: conditions known by and, or, not") {
  const std::string now = after("sccp,dce", R"(func @f(%a: bool, %b: bool) -> (bool, bool, bool) {
entry:
  %both = and %a, %b
  %neither = not %both
  branch %neither, no, yes
yes:
  ret %a, %b, %both
no:
  ret %a, %b, %both
}
)");
  CHECK(now.find("yes:\n  %known = const true\n  %known1 = const true\n  %known2 = const true\n"
                 "  ret %known, %known1, %known2\n") != std::string::npos);
  CHECK(now.find("no:\n  %known3 = const false\n  ret %a, %b, %known3\n") != std::string::npos);
}

}  // namespace
}  // namespace tenon::tests
