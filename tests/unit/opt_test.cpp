// The passes: before and after as IR text, and that programs do the same after any of them.
#include "opt/pass.h"

#include <cmath>
#include <limits>
#include <set>
#include <sstream>

#include "opt/diff.h"
#include "tests/unit/opt_helpers.h"

namespace tenon::tests {
namespace {

using runtime::DType;
using runtime::Scalar;
using runtime::ScalarOp;

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

TEST_CASE("own gives each returned value an owner") {
  CHECK(after("own", R"(func @f(%t: f32[2]) -> (f32[2], f32[2], f32[2]) {
entry:
  %u = compute [i: 2] { %t[i] * 2.0 }
  ret %u, %t, %u
}
)") == R"(func @f(%t: f32[2]) -> (f32[2], f32[2], f32[2]) {
entry:
  %u = compute [i: 2] { %t[i] * 2.0 }
  share %t
  share %u
  ret %u, %t, %u
}
)");
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

// ---- fuse

TEST_CASE("fuse puts element-wise producers into their consumers") {
  CHECK(lines_after(
            "fuse", "%x: f32[4], %y: f32[4]",
            "  %a = compute [i: 4] { %x[i] + %y[i] }\n  %b = compute [i: 4] { max(%a[i], 0.0) }\n"
            "  %s = compute [] { sum[i: 4](%b[i]) }\n  print %s") ==
        "  %s = compute [] { sum[i: 4](max(%x[i] + %y[i], 0.0)) }\n  print %s\n");
}

TEST_CASE("fuse ends a matrix product with the rest of the formula") {
  CHECK(lines_after("fuse", "%x: f32[2, 3], %w: f32[3, 4], %b: f32[4]",
                    "  %p = compute [i: 2, j: 4] { sum[k: 3](%x[i, k] * %w[k, j]) }\n"
                    "  %t = compute [i: 4, j: 2] { max(%p[j, i] + %b[i], 0.0) }\n  print %t") ==
        "  %t = compute [i: 4, j: 2] { max(sum[k: 3](%x[j, k] * %w[k, i]) + %b[i], 0.0) }\n"
        "  print %t\n");
}

TEST_CASE("fuse leaves producers where computing again would cost") {
  const auto unchanged = [](std::string_view params, const std::string& lines) {
    CHECK(lines_after("fuse", params, lines) == lines);
  };
  unchanged("%x: f32[4], %w: f32[4, 800]",  // each element 800 times
            "  %a = compute [i: 4] { exp(%x[i]) }\n"
            "  %b = compute [i: 800] { sum[j: 4](%a[j] * %w[j, i]) }\n  print %b\n");
  unchanged("%x: f32[4]",  // two users
            "  %a = compute [i: 4] { exp(%x[i]) }\n  %b = compute [i: 4] { %a[i] + 1.0 }\n  print "
            "%a, %b\n");
  unchanged("%x: f32[4, 4], %w: f32[4, 4]",  // a product inside a reduction
            "  %a = compute [i: 4, j: 4] { sum[k: 4](%x[i, k] * %w[k, j]) }\n"
            "  %s = compute [] { sum[i: 4, j: 4](%a[i, j]) }\n  print %s\n");
}

TEST_CASE("fuse always moves mere copies") {
  CHECK(lines_after(
            "fuse", "%x: f32[4, 8], %y: f32[4, 8]",
            "  %t = compute [i: 8, j: 4] { %x[j, i] }\n"
            "  %p = compute [i: 4, j: 4] { sum[k: 8](%y[i, k] * %t[k, j]) }\n  print %t, %p") ==
        "  %t = compute [i: 8, j: 4] { %x[j, i] }\n"
        "  %p = compute [i: 4, j: 4] { sum[k: 8](%y[i, k] * %x[j, k]) }\n  print %t, %p\n");
}

TEST_CASE("fuse leaves failures alone") {
  const auto unchanged = [](std::string_view params, const std::string& lines) {
    CHECK(lines_after("fuse", params, lines) == lines);
  };
  unchanged(
      "%x: i64[4]",  // the producer's
      "  %a = compute [i: 4] { 1 / %x[i] }\n  %b = compute [i: 2] { %a[i] + 1 }\n  print %b\n");
  unchanged(
      "%x: i64[4]",  // the read's
      "  %a = compute [i: 4] { %x[i] + 1 }\n  %b = compute [i: 4] { %a[%x[i]] }\n  print %b\n");
}

TEST_CASE("fuse does not move work into a loop") {
  const std::string text = R"(func @main(%x: f32[4], %n: i64) effects {
entry:
  %a = compute [i: 4] { exp(%x[i]) }
  %zero = const 0
  jump loop(%zero)
loop(%i: i64):
  %b = compute [i: 4] { %a[i] + 1.0 }
  print %b
  %one = const 1
  %next = add %i, %one
  %go = lt %next, %n
  branch %go, again, done
again:
  jump loop(%next)
done:
  ret
}
)";
  std::string plain = text;
  plain.replace(plain.find("@main"), 5, "@f");
  CHECK(after("fuse", plain) == plain);
}

// ---- own

TEST_CASE("own lets an update of a last use happen in place") {
  CHECK(lines_after("own", "%x: f32, %k: i64",
                    "  %a = compute [i: 4] { 0.0 }\n  %b = update %a[%k] = %x\n  print %b") ==
        "  %a = compute [i: 4] { 0.0 }\n  %b = update %a[%k] = %x\n  print %b\n  drop %b\n");
  CHECK(lines_after("own", "%x: f32, %k: i64",
                    "  %a = compute [i: 4] { 0.0 }\n  %b = update %a[%k] = %x\n  print %a, %b") ==
        "  %a = compute [i: 4] { 0.0 }\n  %a1 = compute [i: 4] { 0.0 }\n"
        "  %b = update %a1[%k] = %x\n  print %a, %b\n  drop %a\n  drop %b\n");
}

TEST_CASE("own borrows parameters from the caller") {
  CHECK(after("own", R"(func @f(%t: f32[4], %k: i64, %x: f32) -> f32[4] {
entry:
  %u = update %t[%k] = %x
  ret %t
}
)") == R"(func @f(%t: f32[4], %k: i64, %x: f32) -> f32[4] {
entry:
  %t1 = compute [i: 4] { %t[i] }
  %u = update %t1[%k] = %x
  drop %u
  share %t
  ret %t
}
)");
}

TEST_CASE("own drops on the edge where a tensor dies") {
  CHECK(after("own", R"(func @f(%c: bool) -> f32[2] {
entry:
  %a = compute [i: 2] { 1.0 }
  %b = compute [i: 2] { 2.0 }
  branch %c, join(%a), join(%b)
join(%r: f32[2]):
  ret %r
}
)") == R"(func @f(%c: bool) -> f32[2] {
entry:
  %a = compute [i: 2] { 1.0 }
  %b = compute [i: 2] { 2.0 }
  branch %c, edge, edge1
join(%r: f32[2]):
  ret %r
edge:
  drop %b
  jump join(%a)
edge1:
  drop %a
  jump join(%b)
}
)");
}

TEST_CASE("own twice is own once") {
  for (const std::string& text : kTrickyPrograms) {
    const Source source(text);
    ir::Module module = ir::lower(source.program);
    run(module, "own");
    const std::string once = ir::print(module);
    run(module, "own");
    CHECK(ir::print(module) == once);
  }
}

// ---- the pass manager

TEST_CASE("pipelines are checked before anything runs") {
  ir::Module module;
  const auto message = [&](std::string_view text) -> std::string {
    try {
      opt::run_pipeline(module, text, {});
    } catch (const opt::BadPipeline& bad) {
      return bad.message;
    }
    return "";
  };
  CHECK(message("") == "");
  CHECK(message(" simplify , dce ") == "");
  std::string names;
  for (const opt::PassRow& pass : opt::passes())
    names += (names.empty() ? "" : ", ") + std::string(pass.name);
  CHECK(message("simplify,none") == "there is no pass `none`; there are " + names);
  CHECK(message("simplify,,dce") == "there is no pass ``; there are " + names);
  CHECK(message("own,dce").starts_with("`dce` cannot run after `own`: "));
  for (int level = 0; level <= 3; ++level) CHECK(message(opt::pipeline(level)) == "");
  CHECK(opt::pipeline(0) == "own");
  CHECK(opt::pipeline(9) == opt::pipeline(2));
}

TEST_CASE("each pass stands in the pipelines from its level on") {
  for (const opt::PassRow& pass : opt::passes()) {
    for (int level = 0; level <= 2; ++level) {
      const bool holds =
          ("," + opt::pipeline(level) + ",").find("," + std::string(pass.name) + ",") !=
          std::string::npos;
      CHECK_MESSAGE(holds == (level >= pass.level), pass.name, " at -O", level);
    }
  }
}

constexpr std::string_view kFoldable =
    "  %a = const 1\n  %b = add %a, %a\n  %c = add %b, %b\n  print %c";

TEST_CASE("the pass manager prints what it is asked for") {
  std::ostringstream log;
  opt::PipelineOptions options;
  options.log = &log;
  options.print_changed = true;
  options.stats = true;
  options.print_after = {"dce"};
  std::vector<std::string> timed;
  options.on_time = [&](std::string_view pass, double ms) {
    timed.emplace_back(pass);
    CHECK(ms >= 0);
  };
  after("simplify,dce", effectful("", kFoldable), options);
  CHECK(timed == std::vector<std::string>{"simplify", "dce"});
  CHECK(log.str() == R"(; simplify changed
@@ -1,8 +1,8 @@
 func @f() effects {
 entry:
   %a = const 1
-  %b = add %a, %a
-  %c = add %b, %b
+  %b = const 2
+  %c = const 4
   print %c
   ret
 }
       2  simplify: constant
; dce changed
@@ -1,7 +1,5 @@
 func @f() effects {
 entry:
-  %a = const 1
-  %b = const 2
   %c = const 4
   print %c
   ret
; after dce
func @f() effects {
entry:
  %c = const 4
  print %c
  ret
}
       2  dce: const
)");
}

TEST_CASE("bisect allows so many rewrites, stop_after so many passes") {
  opt::PipelineOptions options;
  options.bisect = 1;
  CHECK(after("simplify,dce", effectful("", kFoldable), options) ==
        effectful("", "  %a = const 1\n  %b = const 2\n  %c = add %b, %b\n  print %c"));
  options.bisect = -1;
  options.stop_after = "simplify";
  CHECK(after("simplify,dce", effectful("", kFoldable), options) ==
        effectful("", "  %a = const 1\n  %b = const 2\n  %c = const 4\n  print %c"));
}

TEST_CASE("diffs show three lines around each change") {
  std::string before, changed;
  for (int i = 1; i <= 30; ++i) {
    before += fmt::format("{}\n", i);
    if (i == 20) continue;
    changed += i == 5 ? "five\n" : fmt::format("{}\n", i);
  }
  CHECK(opt::unified_diff(before, before).empty());
  CHECK(opt::unified_diff(before, changed) ==
        "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        "@@ -17,7 +17,6 @@\n 17\n 18\n 19\n-20\n 21\n 22\n 23\n");
}

// ---- programs

TEST_CASE(
    "programs do the same after every prefix of every pipeline, and every number of rewrites") {
  const std::set<std::string> pipelines = {opt::pipeline(1), opt::pipeline(2),
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
