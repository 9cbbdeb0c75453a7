// The passes: before and after as IR text, and that programs do the same after any of them.
#include "opt/pass.h"

#include <set>

#include "tests/unit/opt_helpers.h"

namespace tenon::tests {
namespace {

// ---- simplify

TEST_CASE("simplify computes constants and exact algebra") {
  CHECK(lines_after("simplify,dce", "%x: i64, %f: f32",
                    "  %two = const 2\n  %three = const 3\n  %six = mul %two, %three\n"
                    "  %zero = sub %x, %x\n  %a = add %x, %zero\n  %one = const 1.0\n"
                    "  %g = mul %f, %one\n  print %six, %a, %g") ==
        "  %six = const 6\n  print %six, %x, %f\n");
  SUBCASE("not where a NaN or a sign would show") {
    const std::string lines =
        "  %zero = const 0.0\n  %a = add %f, %zero\n  %b = mul %f, %zero\n"
        "  %c = sub %f, %f\n  %d = eq %f, %f\n  print %a, %b, %c, %d\n";
    CHECK(lines_after("simplify,dce", "%f: f32", lines) == lines);
  }
  SUBCASE("not a division by zero") {
    const std::string lines = "  %one = const 1\n  %zero = const 0\n  %q = div %one, %zero\n";
    CHECK(lines_after("simplify,dce", "", lines) == lines);
  }
}

TEST_CASE("simplify works inside bodies") {
  CHECK(lines_after(
            "simplify,dce", "%x: f32[4]",
            "  %k = const 1\n  %s = const 2.0\n"
            "  %y = compute [i: 3] { if %k == 1 { %x[i + (%k - 1)] * (%s * 3.0) } else { 0.0 } }\n"
            "  print %y") == "  %y = compute [i: 3] { %x[i] * 6.0 }\n  print %y\n");
  CHECK(lines_after("simplify,dce", "",
                    "  %s = compute [] { sum[i: 2..2](1.0 / 0.0) }\n  print %s") ==
        "  %s = const 0.0\n  print %s\n");
  SUBCASE("what may fail is not dropped") {
    const std::string lines = "  %y = compute [i: 3] { %x[i] * 0 }\n  print %y\n";
    CHECK(lines_after("simplify", "%x: i64[2]", lines) == lines);
  }
}

TEST_CASE("simplify takes branches whose condition is known") {
  CHECK(after("simplify,simplify_cfg,dce", R"(func @main() effects {
entry:
  %yes = const true
  branch %yes, then, else
then:
  %a = const 1
  jump join(%a)
else:
  %b = const 2
  jump join(%b)
join(%c: i64):
  print %c
  ret
}
)") == R"(func @main() effects {
entry:
  %a = const 1
  print %a
  ret
}
)");
}

// ---- gvn

TEST_CASE("gvn shares what dominates, fallible or not") {
  CHECK(lines_after("gvn", "%x: i64, %y: i64, %t: f32[2]",
                    "  %a = div %x, %y\n  %b = div %x, %y\n  %c = compute [i: 2] { %t[i] * 2.0 }\n"
                    "  %d = compute [i: 2] { %t[i] * 2.0 }\n  print %a, %b, %c, %d") ==
        "  %a = div %x, %y\n  %c = compute [i: 2] { %t[i] * 2.0 }\n  print %a, %a, %c, %c\n");
  SUBCASE("0.0 is not -0.0") {
    const std::string lines =
        "  %a = const 0.0\n  %b = const -0.0\n  %c = const 0.0f64\n  print %a, %b, %c\n";
    CHECK(lines_after("gvn", "", lines) == lines);
  }
  SUBCASE("files may change between two loads") {
    const std::string lines =
        "  %a = load \"a.npy\" : f32[2]\n  save \"a.npy\", %t\n"
        "  %b = load \"a.npy\" : f32[2]\n  print %a, %b\n";
    CHECK(lines_after("gvn", "%t: f32[2]", lines) == lines);
  }
}

TEST_CASE("updates of parts: what is equal, what may fail, who owns") {
  const std::string params = "%t: f32[2, 2], %v: f32[2], %k: i64";
  const std::string lines =
      "  %a = update %t[%k, :] = %v\n  %b = update %t[:, %k] = %v\n  print %a, %b\n";
  CHECK(lines_after("gvn", params, lines) == lines);
  CHECK(lines_after("gvn", params,
                    "  %a = update %t[%k, :] = %v\n"
                    "  %b = update %t[%k, :] = %v\n  print %a, %b\n") ==
        "  %a = update %t[%k, :] = %v\n  print %a, %a\n");
  CHECK(lines_after("dce", params,
                    "  %one = const 1\n  %two = const 2\n  %a = update %t[:, %one] = %v\n"
                    "  %b = update %t[:, :] = %t\n  %c = update %t[%two, :] = %v\n") ==
        "  %two = const 2\n  %c = update %t[%two, :] = %v\n");
  CHECK(lines_after("own", params,
                    "  %x = compute [i: 2, j: 2] { 1.0 }\n  %y = update %x[:, :] = %x\n"
                    "  %z = update %y[%k, :] = %v\n  %w = update %z[:, :] = %y\n  print %w") ==
        "  %x = compute [i: 2, j: 2] { 1.0 }\n  %y = update %x[:, :] = %x\n"
        "  %y1 = compute [i: 2, j: 2] { %y[i, j] }\n  %z = update %y1[%k, :] = %v\n  %w = update %z[:, :] = %y\n  drop %y\n  print %w\n"
        "  drop %w\n");
}

TEST_CASE("calls of several results and of none") {
  const std::string callees = R"(func @both(%x: i64) -> (i64, i64[2]) {
entry:
  %t = compute [i: 2] { i + %x }
  ret %x, %t
}

func @divmod(%a: i64, %b: i64) -> (i64, i64) {
entry:
  %q = div %a, %b
  %r = mod %a, %b
  ret %q, %r
}

func @nothing() {
entry:
  ret
}

func @f(%x: i64) effects {
entry:
)";
  const auto lines = [&](std::string_view passes, std::string_view before) {
    const std::string text = after(passes, callees + std::string(before) + "  ret\n}\n");
    const size_t begin = text.find("func @f");
    return text.substr(text.find("entry:\n", begin) + 7);
  };
  CHECK(lines("gvn",
              "  %a, %t = call @both(%x)\n  %b, %u = call @both(%x)\n  call @nothing()\n"
              "  call @nothing()\n  print %a, %b, %t, %u\n") ==
        "  %a, %t = call @both(%x)\n  call @nothing()\n  call @nothing()\n  print %a, %a, %t, %t\n  ret\n}\n");
  CHECK(lines("dce", "  call @nothing()\n  print %x\n") == "  print %x\n  ret\n}\n");
  CHECK(lines("dce", "  %a, %t = call @both(%x)\n  %b, %u = call @both(%x)\n  print %b\n") ==
        "  %b, %u = call @both(%x)\n  print %b\n  ret\n}\n");
  CHECK(lines("dce", "  %q, %r = call @divmod(%x, %x)\n") ==
        "  %q, %r = call @divmod(%x, %x)\n  ret\n}\n");
  CHECK(lines("own", "  %a, %t = call @both(%x)\n  %b, %u = call @both(%x)\n  print %u\n") ==
        "  %a, %t = call @both(%x)\n  drop %t\n  %b, %u = call @both(%x)\n  print %u\n"
        "  drop %u\n  ret\n}\n");
}

TEST_CASE("gvn does not share across branches") {
  const std::string text = R"(func @f(%x: i64, %c: bool) -> i64 {
entry:
  branch %c, then, else
then:
  %a = add %x, %x
  ret %a
else:
  %b = add %x, %x
  ret %b
}
)";
  CHECK(after("gvn", text) == text);
}

// ---- dce

TEST_CASE("dce keeps what prints or fails") {
  CHECK(
      lines_after("dce", "%x: i64, %t: f32[4]",
                  "  %a = add %x, %x\n  %b = mul %a, %a\n  %q = div %x, %x\n"
                  "  %y = compute [i: 4] { %t[i] }\n  %z = compute [i: 5] { %t[i] }\n  print %x") ==
      "  %q = div %x, %x\n  %z = compute [i: 5] { %t[i] }\n  print %x\n");
}

TEST_CASE("dce removes parameters that only feed themselves") {
  CHECK(after("dce", R"(func @f(%n: i64) -> i64 {
entry:
  %zero = const 0
  jump loop(%zero, %zero)
loop(%i: i64, %unused: i64):
  %go = lt %i, %n
  branch %go, body, done
body:
  %one = const 1
  %next = add %i, %one
  %more = add %unused, %i
  jump loop(%next, %more)
done:
  ret %i
}
)") == R"(func @f(%n: i64) -> i64 {
entry:
  %zero = const 0
  jump loop(%zero)
loop(%i: i64):
  %go = lt %i, %n
  branch %go, body, done
body:
  %one = const 1
  %next = add %i, %one
  jump loop(%next)
done:
  ret %i
}
)");
}

// ---- programs

TEST_CASE(
    "programs do the same after every prefix of every pipeline, and every number of rewrites") {
  const std::set<std::string> pipelines = {opt::pipeline(1), opt::pipeline(2), opt::pipeline(2, opt::cpu_passes()),
                                           "fuse,dce,gvn,simplify", "dce,fuse,fuse,own"};
  for (const std::string& text : kTrickyPrograms) {
    CAPTURE(text);
    const Source source(text);
    const std::string expected = interpreted(source);
    for (const std::string& passes : pipelines) {
      for (size_t end = passes.find(',');; end = passes.find(',', end + 1)) {
        const std::string prefix = passes.substr(0, end);
        CAPTURE(prefix);
        ir::Module module = ir::lower(source.program);
        run(module, prefix);
        CHECK(executed(source, module) == expected);
        if (end == std::string::npos) break;
      }
    }
    for (int64_t rewrites = 0; rewrites < 40; ++rewrites) {
      CAPTURE(rewrites);
      opt::PipelineOptions options;
      options.bisect = rewrites * rewrites / 8;
      ir::Module module = ir::lower(source.program);
      run(module, opt::pipeline(2), options);
      CHECK(executed(source, module) == expected);
    }
  }
}

}  // namespace
}  // namespace tenon::tests
