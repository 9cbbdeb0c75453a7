// The pass manager: lists of passes, what it prints, where it stops.
#include <sstream>

#include "opt/diff.h"
#include "opt/pass.h"
#include "tests/unit/opt_helpers.h"

namespace tenon::tests {
namespace {

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

TEST_CASE("each pass says which function it is at") {
  for (const opt::PassRow& pass : opt::passes()) {
    ir::Module module = valid_ir(effectful("%x: i64", "  print %x"));
    opt::Progress progress;
    opt::PassContext context;
    context.progress = &progress;
    pass.run(module, context);
    CHECK_MESSAGE(progress.function == "f", pass.name);
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

}  // namespace
}  // namespace tenon::tests
