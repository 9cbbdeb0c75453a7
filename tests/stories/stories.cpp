// The language model of examples/llama tells its story: all of it on the CPU, the first tokens on both
// interpreters. Its checkpoint is not part of the project: the environment's TENON_STORIES names the
// folder that holds it; without it the test is skipped, and says so.
//
//   tenon_stories TENON
#include <fmt/format.h>

#include <cstdlib>

#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

constexpr int kAll = 256, kFew = 32, kOnGpu = 16;  ///< tokens
const fs::path kRoot = root();

/// What a run prints must be the beginning of the published text, then how many tokens are right.
std::string tell(const std::string& tenon, const fs::path& data, const std::string& target,
                 int steps, bool strict) {
  std::vector<std::string> argv = {tenon, "run", "--target", target};
  argv.insert(argv.end(), {"-D", fmt::format("STEPS={}", steps), "--data", data.string()});
  if (strict) argv.push_back("--strict");
  argv.push_back((kRoot / "tests/stories/ids.tn").string());
  const Outcome outcome = run({argv, kRoot, "", 120});
  if (outcome.status != 0) return describe(outcome) + "\n" + outcome.err;

  const std::string counted = fmt::format("\n{0} of {0} tokens\n", steps);
  if (!outcome.out.ends_with(counted)) return "not all tokens are as expected:\n" + outcome.out;
  const std::string text = outcome.out.substr(0, outcome.out.size() - counted.size());
  const std::string published = read_file(data / "expected.txt");
  const bool same = steps == kAll ? text + "\n" == published : published.starts_with(text);
  return same ? "" : "another text than the published one:\n" + text;
}

int run_all(const std::string& tenon) {
  Tally tally("stories");
  const char* folder = std::getenv("TENON_STORIES");
  // What needs no checkpoint is checked in any case, so that the runner always passes something.
  const Outcome checked = run({{tenon, "check", "examples/llama/llama.tn"}, kRoot, ""});
  checked.status == 0 ? tally.pass() : tally.fail("check", checked.err);
  if (!folder) {
    tally.skip("the model's text", "TENON_STORIES does not name the folder of its checkpoint");
    return tally.close();
  }
  struct Case {
    std::string target;
    int steps;
    bool strict;
  };
  for (const Case& c : {Case{"cpu", kAll, false}, Case{"cpu", kAll, true}, Case{"ir", kFew, false},
                        Case{"interp", kFew, false}, Case{"sim", kOnGpu, false}, Case{"sim", kOnGpu, true}}) {
    const std::string problem = tell(tenon, folder, c.target, c.steps, c.strict);
    if (problem.empty())
      tally.pass();
    else
      tally.fail(c.target + (c.strict ? " --strict" : ""), problem);
  }
  return tally.close();
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: tenon_stories TENON\n");
    return 2;
  }
  return tenon::tests::run_all(std::filesystem::absolute(argv[1]).string());
}
