// Runs a fuzz target without libFuzzer.
//
//   tenon_fuzz_npy CORPUS                              each file of the folder once
//   tenon_fuzz_npy CORPUS MINUTES FINDINGS             then damaged ones, for so long
//
// Every input runs in a child process, thousands of them in one; where it dies, or takes more than
// ten seconds, the input is at fault and is kept in the folder FINDINGS. The same binary draws the
// same inputs.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"
#include "tests/support/text.h"
#include "tests/support/time_limit.h"

namespace tenon::fuzz {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr unsigned kSeconds = 10;  ///< for one input
constexpr size_t kBatch = 50'000;  ///< inputs of one child
constexpr size_t kMaxChanges = 6;  ///< to one input

/// What parent and child both see: what ran last, and how many did.
struct Shared {
  uint64_t executions;
  size_t size;
  uint8_t bytes[1 << 20];

  static Shared* create() {
    void* memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(memory != MAP_FAILED, "memory can be shared");
    return new (memory) Shared{};
  }
  std::string_view input() const { return {reinterpret_cast<const char*>(bytes), size}; }
};

void execute(Shared& shared, std::string_view input) {
  require(input.size() <= sizeof shared.bytes, "an input of at most 1 MiB");
  shared.size = input.size();
  std::memcpy(shared.bytes, input.data(), input.size());
  tests::limit_processor_time(kSeconds);
  LLVMFuzzerTestOneInput(shared.bytes, shared.size);
  tests::limit_processor_time(0);
  ++shared.executions;
}

/// Runs `work` in a child; what ended it, or nothing if it came through.
template <class Work>
std::string in_child(const Work& work) {
  std::fflush(nullptr);
  const pid_t child = fork();
  require(child >= 0, "a process can be made");
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    return WTERMSIG(status) == tests::kOutOfTime ? fmt::format("took more than {} s", kSeconds)
                                       : fmt::format("died: {}", strsignal(WTERMSIG(status)));
  }
  return WEXITSTATUS(status) == 0 ? "" : fmt::format("exit status {}", WEXITSTATUS(status));
}

int replay(const std::string& name, const std::vector<fs::path>& files, Shared& shared) {
  tests::Tally tally(name);
  for (const fs::path& path : files) {
    const std::string bytes = tests::read_file(path);
    const std::string problem = in_child([&] { execute(shared, bytes); });
    problem.empty() ? tally.pass() : tally.fail(path.filename().string(), problem);
  }
  return tally.close();
}

/// One child's worth of damaged files.
void damage(const std::vector<std::string>& corpus, Random random, Clock::time_point until,
            Shared& shared) {
  for (size_t i = 0; i < kBatch && Clock::now() < until; ++i) {
    std::string file = corpus[random() % corpus.size()];
    for (size_t changes = 1 + random() % kMaxChanges; changes > 0; --changes) mutate(file, random);
    execute(shared, file);
  }
}

int fuzz(const std::string& name, const std::vector<fs::path>& files, double minutes,
         const fs::path& findings, Shared& shared) {
  std::vector<std::string> corpus;
  for (const fs::path& path : files) corpus.push_back(tests::read_file(path));
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double, std::ratio<60>>(minutes));
  int found = 0;
  for (uint64_t seed = 1; Clock::now() < until; ++seed) {
    const std::string problem = in_child([&] { damage(corpus, Random(seed), until, shared); });
    if (problem.empty()) continue;
    const fs::path kept = findings / fmt::format("{}-{}", name, ++found);
    tests::write_file(kept, shared.input());
    fmt::print("{}: {}\n", kept.string(), problem);
  }
  fmt::print("{}: {} executions, {} findings\n", name, shared.executions, found);
  return found == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tenon::fuzz

int main(int argc, char** argv) {
  using namespace tenon;
  if (argc != 2 && argc != 4) {
    fmt::print(stderr, "usage: {} CORPUS [MINUTES FINDINGS]\n", argv[0]);
    return 2;
  }
  const std::filesystem::path corpus = argv[1];
  const std::string name = "fuzz-" + corpus.filename().string();
  const auto files = tests::files_below(corpus);
  fuzz::Shared& shared = *fuzz::Shared::create();
  const int status = fuzz::replay(name, files, shared);
  if (argc == 2 || status != 0) return status;
  return fuzz::fuzz(name, files, std::stod(argv[2]), argv[3], shared);
}
