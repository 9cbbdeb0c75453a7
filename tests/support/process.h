// Runs a program the way a test needs it: no shell, everything captured, always with an end.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace tenon::tests {

struct Command {
  std::vector<std::string> argv;       ///< argv[0] is looked up in PATH unless it holds a slash
  std::filesystem::path folder = ".";  ///< where it runs
  std::string input;                   ///< its standard input
  double timeout = 10;                 ///< seconds; then it is killed
  uint64_t memory_limit = 0;           ///< bytes of address space; 0: no limit
};

struct Outcome {
  int status = 0;  ///< exit status; 128 + the signal's number if one ended it; 127: not found
  bool timed_out = false;
  std::string out, err;     ///< each cut off after kMaxOutput bytes
  double cpu_seconds = 0;   ///< user and system time: what a loaded machine does not stretch
  uint64_t peak_bytes = 0;  ///< most resident memory
};

inline constexpr size_t kMaxOutput = 64u << 20;

Outcome run(const Command& command);

/// "exit status 3", "killed by signal 11 (Segmentation fault)" or "killed after 10 s".
std::string describe(const Outcome& outcome);

/// The command as a reader could type it.
std::string spelled(const std::vector<std::string>& argv);

/// Calls work(0) … work(count - 1), on as many threads as there are cores.
template <class Work>
void for_each_in_parallel(size_t count, const Work& work) {
  std::atomic<size_t> next{0};
  auto drain = [&] {
    for (size_t i; (i = next++) < count;) work(i);
  };
  const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(cores, count); ++i) threads.emplace_back(drain);
  drain();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace tenon::tests
