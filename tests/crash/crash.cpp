// A pass that crashes leaves what reproduces it; one that is wrong is found by --bisect=auto.
//
//   tenon_crash DRIVER      DRIVER is tests/crash/driver.cpp: tenon with passes that are wrong
#include <fmt/format.h>

#include <algorithm>

#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

/// `simplify` computes %b, so that what the crashing pass got is told from what the pipeline began
/// with.
constexpr std::string_view kProgram = R"(func @main() effects {
entry:
  %x = call @victim()
  print %x
  ret
}

func @victim() -> i64 {
entry:
  %a = const 2
  %b = add %a, %a
  ret %b
}
)";

struct Crash {
  std::string pass;
  std::vector<std::string> options;
  std::string words;  ///< which the message holds
};

const std::vector<Crash> kCrashes = {
    {"throws", {}, "internal error while optimizing: planted"},
    {"breaks", {"--verify-each"}, "pass breaks broke the IR"},
#if !defined(__SANITIZE_ADDRESS__)  // the sanitizer has handlers of its own
    {"segfaults", {}, "internal error: crashed while optimizing"},
    {"aborts", {}, "internal error: crashed while optimizing"},
#endif
};

Outcome run_in(const fs::path& folder, const std::string& driver,
               std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), driver);
  return run({std::move(arguments), folder, "", 60});
}

/// The line that says how to run it again, as words, without `tenon`.
std::vector<std::string> advice(const std::string& words) {
  for (const std::string& line : split_lines(words)) {
    if (!line.starts_with("  tenon opt ")) continue;
    std::vector<std::string> advised = split_words(line);
    advised.erase(advised.begin());
    return advised;
  }
  return {};
}

std::string check_crash(const std::string& driver, const Crash& crash) {
  const ScratchFolder scratch;
  write_file(scratch.path() / "p.ir", kProgram);
  std::vector<std::string> arguments{"opt", "p.ir", "--passes=simplify," + crash.pass + ",dce"};
  arguments.insert(arguments.end(), crash.options.begin(), crash.options.end());
  const Outcome first = run_in(scratch.path(), driver, arguments);
  if (first.status != 70) return describe(first) + ", not 70:\n" + first.err;
  for (const std::string& part : {crash.words, "in pass " + crash.pass, std::string("@victim")})
    if (!contains(first.err, part)) return "not said: " + part + "\n" + first.err;

  std::vector<std::string> again = advice(first.err);
  if (again.size() < 3) return "it does not say how to see it again:\n" + first.err;
  const std::string text = read_file(scratch.path() / again[1]);
  if (!contains(text, "%b = const 4")) return "it is not what the pass got:\n" + text;
  const Outcome second = run_in(scratch.path(), driver, again);
  if (second.status != 70 || !contains(second.err, "in pass " + crash.pass))
    return "what it leaves does not crash: " + describe(second) + "\n" + second.err;
  again[2] = "--passes=dce";
  const Outcome without = run_in(scratch.path(), driver, again);
  if (without.status != 0) return "without the pass: " + describe(without) + "\n" + without.err;
  return {};
}

/// 2 + 2 = 2 * 2, so that of three rewrites the second is the first wrong one.
constexpr std::string_view kSums = R"(func @main() effects {
entry:
  %a = const 2
  %b = const 3
  %x = add %a, %a
  %y = add %a, %b
  %z = add %b, %b
  print %x, " ", %y, " ", %z
  ret
}
)";

std::string check_bisect(const std::string& driver, const std::vector<std::string>& more) {
  const ScratchFolder scratch;
  write_file(scratch.path() / "p.ir", kSums);
  std::vector<std::string> arguments{"opt", "p.ir", "--passes=gvn,add-as-mul,dce", "--bisect=auto"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Outcome found = run_in(scratch.path(), driver, arguments);
  const std::string expected =
      "rewrite 2 of 3 is the first wrong one: add as mul in pass add-as-mul, @main\n"
      "@@ -3,7 +3,7 @@\n"
      "   %a = const 2\n"
      "   %b = const 3\n"
      "   %x = mul %a, %a\n"
      "-  %y = add %a, %b\n"
      "+  %y = mul %a, %b\n"
      "   %z = add %b, %b\n"
      "   print %x, \" \", %y, \" \", %z\n"
      "   ret\n";
  if (found.status == 1 && found.out == expected) return {};
  return describe(found) + "\n" + difference(expected, found.out) + found.err;
}

std::string check_right(const std::string& driver) {
  const ScratchFolder scratch;
  write_file(scratch.path() / "p.ir", kSums);
  const Outcome found =
      run_in(scratch.path(), driver, {"opt", "p.ir", "--passes=gvn,dce", "--bisect=auto"});
  if (found.status == 0 && found.out == "nothing is wrong with gvn,dce\n") return {};
  return describe(found) + "\n" + found.out + found.err;
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  if (argc != 2) return 2;
  const std::string driver = fs::absolute(argv[1]).string();
  Tally tally("crash");
  const auto settle = [&](const std::string& name, const std::string& problem) {
    problem.empty() ? tally.pass() : tally.fail(name, problem);
  };
  for (const Crash& crash : kCrashes) settle(crash.pass, check_crash(driver, crash));
  settle("bisect by running", check_bisect(driver, {}));
  settle("bisect by a command", check_bisect(driver, {"--bisect-with", "grep -q '%y = add' {}"}));
  settle("bisect where nothing is wrong", check_right(driver));
  return tally.close();
}
