// Where NVIDIA's assembler is, it takes the PTX that the tests run: what the simulator runs is PTX.
#include <doctest/doctest.h>

#include <mutex>

#include "tests/sim/launcher.h"
#include "tests/support/process.h"

namespace tenon::tests {
namespace {

TEST_CASE("ptxas assembles the PTX of the tree") {
  Command version;
  version.argv = {"ptxas", "--version"};
  if (run(version).status == 127) {
    MESSAGE("ptxas is not here: skipped");
    return;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& folder : {kSimTests, root() / "lessons"}) {
    for (const auto& path : files_below(folder)) {
      // What nvcc made comes from the house that made ptxas; a grader's file may hold directives alone.
      if (path.extension() == ".ptx" && path.string().find(".nvcc.") == std::string::npos &&
          contains(read_file(path), ".target "))
        files.push_back(path);
    }
  }
  REQUIRE(files.size() > 40);
  std::mutex lock;
  for_each_in_parallel(files.size(), [&](size_t i) {
    const std::string text = read_file(files[i]),
                      target = text.substr(text.find(".target ") + 8, 5);
    Command assemble;
    assemble.argv = {"ptxas", "-arch=" + target, files[i].string(), "-o", "/dev/null"};
    assemble.timeout = 60;
    const Outcome outcome = run(assemble);
    const std::lock_guard guard(lock);
    CAPTURE(files[i].filename().string());
    CHECK_MESSAGE(outcome.status == 0, outcome.err);
  });
}

}  // namespace
}  // namespace tenon::tests
