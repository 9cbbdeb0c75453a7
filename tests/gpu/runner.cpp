// Recordings of programs, done again on this machine's GPU, and what comes out compared.
//
//   runner test FOLDER [--only=PART]      every recording that the card takes; then ncu, if it is here
//   runner launch FOLDER                  those whose counters are compared, and nothing else: ncu watches this
//   runner counters FOLDER CSV            what ncu said of that beside what the simulated GPU counted
//
// It ends with 0 if all is as it was recorded, with 1 if something is not, with 77 where there is no GPU, and with 2
// if the bundle or the command line is wrong. FOLDER holds the file `list` (corpus.h).
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "runtime/cuda_device.h"
#include "runtime/fault.h"
#include "runtime/replay.h"
#include "tests/gpu/corpus.h"
#include "tests/gpu/counters.h"
#include "tests/gpu/isolated.h"

namespace tenon::gpu_tests {
namespace {

namespace fs = std::filesystem;

constexpr int kFine = 0, kFailed = 1, kWrong = 2, kNothingHere = 77;
constexpr int kPatience = 300;  // seconds for one recording, its PTX assembled by the driver
constexpr size_t kShownDifferences = 3;
constexpr std::string_view kCounters = "counters/";  // the recordings that ncu watches

/// The GPU; without one it says what is missing, and ends.
std::unique_ptr<runtime::Device> open_gpu(const Say& say, runtime::CudaInfo& info) {
  try {
    return runtime::open_cuda(&info);
  } catch (const runtime::DeviceError& error) {
    say("none " + error.message);
    return nullptr;
  }
}

std::string in_one_line(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

/// What went wrong; `lost` if the device answers no more.
std::string problem_of(const runtime::Recording& recording, runtime::Device& device, double tolerance, bool& lost) {
  try {
    const std::vector<runtime::Difference> all = replay(recording, device, {tolerance});
    std::string text;
    for (size_t i = 0; i < std::min(all.size(), kShownDifferences); ++i)
      text += (i == 0 ? "" : "; ") + all[i].text();
    if (all.size() > kShownDifferences) text += fmt::format("; {} more", all.size() - kShownDifferences);
    return text;
  } catch (const runtime::DeviceError& error) {
    lost = true;
    return error.message;
  } catch (const runtime::Fault& fault) {
    return fault.message();
  }
}

/// Why a recording is not for this card; empty if it is.
std::string why_not_on(const runtime::CudaInfo& info, const runtime::Recording& recording) {
  if (capability_of(recording.gpu) > info.capability) return fmt::format("it is for {}", recording.gpu);
  int64_t shared = 0;
  for (const runtime::Recording::Call& call : recording.calls)
    if (const auto* launch = std::get_if<runtime::Recording::Launch>(&call))
      shared = std::max(shared, launch->size.shared_bytes);
  if (shared <= info.shared_bytes) return "";
  return fmt::format("its blocks share {} bytes, and have {} here", shared, info.shared_bytes);
}

/// Entries from `first` on, until the device is lost. Says `gpu NAME`, and of each entry `start`, then `pass`, `skip`
/// or `fail` with its number and why.
int work_through(const fs::path& folder, const std::vector<Entry>& entries, size_t first, const Say& say) {
  runtime::CudaInfo info;
  const std::unique_ptr<runtime::Device> device = open_gpu(say, info);
  if (device == nullptr) return kNothingHere;
  say(fmt::format("gpu {}, compute capability {}.{}", info.name, info.capability / 10, info.capability % 10));
  for (size_t i = first; i < entries.size(); ++i) {
    say(fmt::format("start {}", i));
    try {
      const runtime::Recording recording = read_entry(folder, entries[i]);
      if (const std::string why_not = why_not_on(info, recording); !why_not.empty()) {
        say(fmt::format("skip {} {}", i, why_not));
        continue;
      }
      bool lost = false;
      const std::string problem = problem_of(recording, *device, entries[i].tolerance, lost);
      say(problem.empty() ? fmt::format("pass {}", i) : fmt::format("fail {} {}", i, in_one_line(problem)));
      if (lost) return kFailed;
    } catch (const CorpusError& error) {
      say(fmt::format("fail {} {}", i, in_one_line(error.what())));
    }
  }
  return kFine;
}

/// What the processes that do the work have said so far.
struct Progress {
  const std::vector<Entry>& entries;
  std::string gpu, missing;
  size_t next = 0;  ///< that has not been started
  bool open = false;
  int passed = 0, failed = 0, skipped = 0;

  void fail(size_t entry, std::string_view why) {
    ++failed;
    fmt::print("FAILED: {}: {}\n", entries[entry].name, why);
  }
  void hear(const std::string& line) {
    const size_t blank = line.find(' ');
    const std::string what = line.substr(0, blank), rest = blank == line.npos ? "" : line.substr(blank + 1);
    if (what == "none") missing = rest;
    if (what == "gpu" && gpu.empty()) fmt::print("test-gpu: on {}\n", gpu = rest);
    if (what == "start") next = std::stoul(rest) + 1;
    open = what == "start" || (open && what != "pass" && what != "fail" && what != "skip");
    if (what == "pass") ++passed;
    if (what == "skip") ++skipped;
    if (what == "fail") fail(next - 1, rest.substr(rest.find(' ') + 1));
    std::fflush(stdout);
  }
  /// The process has ended.
  void settle(const End& end) {
    if (!open) return;
    open = false;
    fail(next - 1, end.how == Ended::by_time     ? fmt::format("it does not end within {} seconds", kPatience)
                   : end.how == Ended::by_signal ? fmt::format("the process was ended by signal {}", end.status)
                                                 : fmt::format("the process ended with status {}", end.status));
  }
};

int test(const fs::path& folder, const std::vector<Entry>& entries) {
  Progress progress{entries, {}, {}};
  while (progress.next < entries.size()) {
    const size_t first = progress.next;
    const End end = isolated([&](const Say& say) { return work_through(folder, entries, first, say); },
                             [&](const std::string& line) { progress.hear(line); }, kPatience);
    progress.settle(end);
    if (progress.next == first) break;  // it did not come to the first
  }
  if (progress.next == 0) {
    fmt::print("test-gpu: skipped, nothing was run: {}\n",
               progress.missing.empty() ? "the process that asks for a GPU has ended" : progress.missing);
    return kNothingHere;
  }
  const size_t left = entries.size() - progress.next;
  if (left > 0) {
    progress.failed += static_cast<int>(left);
    fmt::print("FAILED: {} recordings more: the GPU could not be had again: {}\n", left, progress.missing);
  }
  fmt::print("test-gpu: {} passed, {} failed", progress.passed, progress.failed);
  if (progress.skipped > 0) fmt::print(", {} skipped: they are for newer cards", progress.skipped);
  fmt::print("\n");
  return progress.failed == 0 ? kFine : kFailed;
}

// ---- counters

/// Those whose counters are compared, and that the card takes.
std::vector<std::pair<Entry, runtime::Recording>> counted(const fs::path& folder, const std::vector<Entry>& entries,
                                                          const runtime::CudaInfo& info) {
  std::vector<std::pair<Entry, runtime::Recording>> all;
  for (const Entry& entry : entries) {
    if (!entry.name.starts_with(kCounters)) continue;
    runtime::Recording recording = read_entry(folder, entry);
    if (why_not_on(info, recording).empty()) all.emplace_back(entry, std::move(recording));
  }
  return all;
}

int launch(const fs::path& folder, const std::vector<Entry>& entries) {
  const Say say = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  runtime::CudaInfo info;
  const std::unique_ptr<runtime::Device> device = open_gpu(say, info);
  if (device == nullptr) return kNothingHere;
  try {
    for (const auto& [entry, recording] : counted(folder, entries, info))
      replay(recording, *device, {entry.tolerance});
  } catch (const runtime::DeviceError& error) {
    say(error.message);
    return kFailed;
  }
  return kFine;
}

int counters(const fs::path& folder, const std::vector<Entry>& entries, const fs::path& csv) {
  std::ifstream file(csv);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::vector<Counted> rows = read_ncu(text);
  int64_t launches = 0;
  for (const Counted& row : rows) launches = std::max(launches, row.launch + 1);
  runtime::CudaInfo info;
  runtime::open_cuda(&info);
  const auto recordings = counted(folder, entries, info);
  std::vector<CountedLaunch> all;
  for (const auto& [entry, recording] : recordings)
    for (const runtime::Recording::Call& call : recording.calls)
      if (const auto* one = std::get_if<runtime::Recording::Launch>(&call); one != nullptr)
        all.push_back({entry.name, one});
  const CounterTable table = compare(all, rows);
  fmt::print("{:<32} {:<14} {:<58} {:>12} {:>12} {:>8}\n{}", "recording", "kernel", "counter", "simulated", "card",
             "ratio", table.text);
  fmt::print("counters: {} equal, {} differ", table.equal, table.differing);
  if (table.missing > 0) fmt::print(", {} are not to be had on this card", table.missing);
  fmt::print("\n");
  return table.differing == 0 && static_cast<size_t>(launches) == all.size() ? kFine : kFailed;
}

/// The names of all counters in the recordings, for ncu's --metrics.
int metrics(const fs::path& folder, const std::vector<Entry>& entries) {
  std::set<std::string> names;
  for (const auto& [entry, recording] : counted(folder, entries, {"any", 1 << 20, INT64_MAX}))
    for (const runtime::Recording::Call& call : recording.calls)
      if (const auto* one = std::get_if<runtime::Recording::Launch>(&call); one != nullptr)
        for (const runtime::Recording::Count& count : one->counts) names.insert(count.counter);
  fmt::print("{}\n", fmt::join(names, ","));
  return kFine;
}

int run(const std::vector<std::string>& words) {
  constexpr std::string_view kOnly = "--only=";
  if (words.size() < 2) {
    fmt::print(stderr, "usage: runner test|launch|metrics FOLDER [--only=PART], runner counters FOLDER CSV\n");
    return kWrong;
  }
  const fs::path folder = words[1];
  std::vector<Entry> entries = read_list(folder);
  if (words.size() > 2 && words[2].starts_with(kOnly)) {
    const std::string part = words[2].substr(kOnly.size());
    std::erase_if(entries, [&](const Entry& entry) { return entry.name.find(part) == entry.name.npos; });
  }
  if (entries.empty()) throw CorpusError("there is no such recording");
  if (words[0] == "test") return test(folder, entries);
  if (words[0] == "launch") return launch(folder, entries);
  if (words[0] == "metrics") return metrics(folder, entries);
  if (words[0] == "counters" && words.size() == 3) return counters(folder, entries, words[2]);
  fmt::print(stderr, "runner: there is no command `{}`\n", words[0]);
  return kWrong;
}

}  // namespace
}  // namespace tenon::gpu_tests

int main(int argc, char** argv) {
  try {
    return tenon::gpu_tests::run({argv + 1, argv + argc});
  } catch (const std::runtime_error& error) {
    fmt::print(stderr, "runner: {}\n", error.what());
    return tenon::gpu_tests::kWrong;
  } catch (const tenon::runtime::DeviceError& error) {
    fmt::print(stderr, "runner: {}\n", error.message);
    return tenon::gpu_tests::kNothingHere;
  }
}
