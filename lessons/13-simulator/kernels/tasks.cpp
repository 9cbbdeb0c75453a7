#include "lessons/13-simulator/kernels/tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace tenon::lessons {
namespace {

using namespace runtime::sim;

constexpr uint32_t kUntouched = 0xcdcdcdcd;  ///< what fresh memory holds

/// Numbers that look like chance.
std::vector<uint32_t> random_words(size_t count, uint32_t seed) {
  std::vector<uint32_t> words(count);
  for (uint32_t& word : words) {
    seed = seed * 1664525 + 1013904223;
    word = seed >> 7;
  }
  return words;
}

/// Small whole numbers: their sums are exact, in whatever order.
std::vector<float> random_numbers(size_t count, uint32_t seed) {
  std::vector<float> numbers;
  for (const uint32_t word : random_words(count, seed))
    numbers.push_back(static_cast<float>(static_cast<int>(word % 17) - 8));
  return numbers;
}

uint32_t ceiling(uint32_t count, uint32_t each) {
  return (count + each - 1) / each;
}

/// A launch with its memory. A buffer is as long as its numbers, so that not one more can be read.
class Bench {
 public:
  Bench(const Module& module, std::string_view kernel) : module_(module), kernel_(kernel) {}

  template <class T>
  Address buffer(const std::vector<T>& values, std::string name) {
    const Address at = device_.allocate(sizeof(T) * values.size(), std::move(name));
    device_.write(at, std::as_bytes(std::span(values)));
    return at;
  }
  Address results(size_t count, std::string name) {
    return device_.allocate(4 * count, std::move(name));
  }

  template <class... Arguments>
  Report launch(uint32_t blocks, uint32_t threads, const LaunchOptions& options,
                const Arguments&... arguments) {
    const KernelInfo* kernel = module_.kernel(kernel_);
    if (kernel == nullptr) throw LaunchError(fmt::format("there is no kernel `{}`", kernel_));
    const std::span<const std::byte> values[] = {std::as_bytes(std::span(&arguments, 1))...};
    return device_.launch(module_, kernel_, {blocks}, {threads}, 0, pack(*kernel, values), options);
  }

  /// What is wrong with the numbers at `at`.
  template <class T>
  std::string compare(Address at, const std::vector<T>& expected, std::string_view name) const {
    std::vector<T> actual(expected.size());
    device_.read(at, std::as_writable_bytes(std::span(actual)));
    for (size_t i = 0; i < actual.size(); ++i) {
      if (actual[i] == expected[i]) continue;
      if (std::bit_cast<uint32_t>(actual[i]) == kUntouched)
        return fmt::format("{}[{}] was not stored", name, i);
      return fmt::format("{}[{}] is {}, and should be {}", name, i, actual[i], expected[i]);
    }
    return {};
  }

 private:
  const Module& module_;
  const std::string kernel_;
  Device device_;
};

double ratio(uint64_t a, uint64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}
uint64_t warps_of(const Report& report) {
  return report.grid.count() * ceiling(static_cast<uint32_t>(report.block.count()), 32);
}
Limit instructions_of_a_warp(const Report& report, double most) {
  return {"instructions of a warp", ratio(report.counters[Counter::instructions], warps_of(report)),
          most};
}
Limit per_request(const Report& report) {
  return {"sectors per load", report.counters.load_sectors_per_request(), 4};
}

/// A launch of a kernel that adds up neighbours in groups. `rest` are its arguments behind the two buffers.
template <class... Rest>
Trial sums_of(const Module& module, std::string_view kernel, uint32_t group, const std::vector<float>& x,
              Dim3 blocks, Dim3 threads, const LaunchOptions& options, const Rest&... rest) {
  Bench bench(module, kernel);
  std::vector<float> expected(ceiling(static_cast<uint32_t>(x.size()), group));
  for (size_t i = 0; i < x.size(); ++i) expected[i / group] += x[i];
  const Address from = bench.buffer(x, "x"), to = bench.results(expected.size(), "y");
  Trial trial{bench.launch(blocks.x, threads.x, options, from, to, rest...), {}, {}};
  trial.wrong = bench.compare(to, expected, "y");
  return trial;
}

Trial lanes(const Module& module, const Size& size, uint32_t seed, const LaunchOptions& options) {
  const uint32_t n = size.m, sums = ceiling(n, 32);
  Trial trial = sums_of(module, "lanes", 32, random_numbers(n, seed), {ceiling(n, 128)}, {128}, options, n);
  const Counters& counters = trial.report.counters;
  trial.limits = {per_request(trial.report),
                  {"loads of a sum", ratio(counters[Counter::load_requests], sums), 1},
                  {"atomics of a sum", ratio(counters[Counter::atomic_requests], sums), 0},
                  instructions_of_a_warp(trial.report, 36)};
  return trial;
}

Trial sectors(const Module& module, const Size& size, uint32_t seed, const LaunchOptions& options) {
  Bench bench(module, "sectors");
  const uint32_t n = size.m, blocks = ceiling(n, 8 * 128);
  const float a = 3;
  const std::vector<float> x = random_numbers(n, seed), y = random_numbers(n, seed + 1);
  std::vector<float> expected(n);
  for (uint32_t i = 0; i < n; ++i) expected[i] = a * x[i] + y[i];
  const Address from = bench.buffer(x, "x"), to = bench.buffer(y, "y");
  Trial trial{bench.launch(blocks, 128, options, a, from, to, n), {}, {}};
  trial.wrong = bench.compare(to, expected, "y");
  const Counters& counters = trial.report.counters;
  const auto used = [&](Counter sectors, Counter bytes) {
    return ratio(32 * counters[sectors], counters[bytes]);
  };
  trial.limits = {{"bytes fetched for a byte that is used",
                   used(Counter::load_sectors, Counter::load_bytes), 1.05},
                  {"bytes of sectors stored to for a byte that is stored",
                   used(Counter::store_sectors, Counter::store_bytes), 1.05},
                  {"bytes loaded for a number", ratio(counters[Counter::load_bytes], n), 8},
                  {"idle lanes of 32", 32 - counters.active_lanes(), 2},
                  instructions_of_a_warp(trial.report, 120)};
  return trial;
}

Trial banks(const Module& module, const Size& size, uint32_t seed, const LaunchOptions& options) {
  const uint32_t blocks = size.m;
  Trial trial = sums_of(module, "banks", 256, random_numbers(256 * blocks, seed), {blocks}, {256}, options);
  const Counters& counters = trial.report.counters;
  trial.limits = {
      {"passes of shared memory over ideal", counters.shared_wavefronts_over_ideal(), 1},
      {"accesses of shared memory of a block", ratio(counters[Counter::shared_requests], blocks),
       48},
      {"loads of a block", ratio(counters[Counter::load_requests], blocks), 8},
      {"atomics of a block", ratio(counters[Counter::atomic_requests], blocks), 0},
      instructions_of_a_warp(trial.report, 100)};
  return trial;
}

Trial race(const Module& module, const Size& size, uint32_t seed, const LaunchOptions& options) {
  Bench bench(module, "race");
  const uint32_t n = size.m, blocks = std::min(ceiling(n, 1024), 8u);
  const std::vector<uint32_t> x = random_words(n, seed);
  std::vector<uint32_t> expected(64);
  for (const uint32_t word : x) ++expected[word % 64];
  const Address from = bench.buffer(x, "x"), to = bench.buffer(std::vector<uint32_t>(64), "counts");
  Trial trial{bench.launch(blocks, 256, options, from, to, n), {}, {}};
  trial.wrong = bench.compare(to, expected, "counts");
  const Counters& counters = trial.report.counters;
  const uint32_t turns = ceiling(n, 256 * blocks);
  trial.limits = {per_request(trial.report),
                  {"bytes loaded for a number", ratio(counters[Counter::load_bytes], n), 4},
                  {"atomics of a block, in global memory",
                   ratio(counters[Counter::atomic_requests], blocks), 2},
                  instructions_of_a_warp(trial.report, 30 + 12.0 * turns)};
  return trial;
}

Trial barrier(const Module& module, const Size& size, uint32_t seed, const LaunchOptions& options) {
  Bench bench(module, "barrier");
  const uint32_t m = size.m, n = size.n, blocks = ceiling(n, 64);
  const std::vector<float> x = random_numbers(m, seed), a = random_numbers(size_t{m} * n, seed + 1);
  std::vector<float> expected(n);
  for (uint32_t i = 0; i < m; ++i)
    for (uint32_t j = 0; j < n; ++j) expected[j] += x[i] * a[size_t{i} * n + j];
  const Address x_at = bench.buffer(x, "x"), a_at = bench.buffer(a, "a"),
                to = bench.results(n, "y");
  Trial trial{bench.launch(blocks, 64, options, x_at, a_at, to, m, n), {}, {}};
  trial.wrong = bench.compare(to, expected, "y");
  const Counters& counters = trial.report.counters;
  const double warps = 2.0 * blocks, tiles = ceiling(m, 64);
  trial.limits = {per_request(trial.report),
                  {"loads of a warp from global memory",
                   static_cast<double>(counters[Counter::load_requests]) / warps, m + tiles},
                  {"barriers of a warp", static_cast<double>(counters[Counter::barriers]) / warps,
                   2 * tiles + 1},
                  instructions_of_a_warp(trial.report, 40 + 24 * tiles + 9.0 * m)};
  return trial;
}

}  // namespace

std::span<const MendTask> mend_tasks() {
  static constexpr MendTask kTasks[] = {{"lanes", lanes},
                                        {"sectors", sectors},
                                        {"banks", banks},
                                        {"race", race},
                                        {"barrier", barrier}};
  return kTasks;
}

}  // namespace tenon::lessons
