// Accuracy of the mathematical functions of prelude/math.tn, compiled.
//
//   tenon_accuracy TENON [--all] [--table] [--filter=PART]
//
// The results of a program that applies one function to many inputs, against the C library in a
// wider type. An error is counted in ulp: the distance between the floats around the exact result
// (below the normal numbers and where a result overflows, too). Each function has a bound. f32
// functions of one argument see every 509th bit pattern, with --all every one; the others a fixed
// random sample.
// --table prints prelude/README.md's table instead of only judging.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <mutex>
#include <random>

#include "runtime/npy.h"
#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

using runtime::DType;

template <class T>
struct Wider;
template <>
struct Wider<float> {
  using type = double;
  using bits = uint32_t;
  static constexpr DType dtype = DType::f32;
};
template <>
struct Wider<double> {
  using type = long double;
  using bits = uint64_t;
  static constexpr DType dtype = DType::f64;
};
template <class T>
using Wide = typename Wider<T>::type;

/// A function, its bounds in ulp, and where its values are neither 0, 1 nor infinity.
template <class T>
struct Function {
  std::string_view name;
  Wide<T> (*exact)(Wide<T>, Wide<T>);
  double bound;
  double from, to;
  int arity = 1;
};

#define EXACT(call) [](auto x, [[maybe_unused]] auto y) -> decltype(x) { return call; }
const std::vector<Function<float>> kF32 = {
    {"exp", EXACT(std::exp(x)), 1.0, -104, 89}, {"log", EXACT(std::log(x)), 0.9, 0, 2},
    {"log2", EXACT(std::log2(x)), 0.9, 0, 2},   {"sin", EXACT(std::sin(x)), 1.5, -10, 10},
    {"cos", EXACT(std::cos(x)), 1.5, -10, 10},  {"tanh", EXACT(std::tanh(x)), 1.5, -10, 10},
    {"erf", EXACT(std::erf(x)), 1.5, -4, 4},    {"pow", EXACT(std::pow(x, y)), 0.6, 0, 10, 2},
};
const std::vector<Function<double>> kF64 = {
    {"exp", EXACT(std::exp(x)), 0.9, -746, 710}, {"log", EXACT(std::log(x)), 0.9, 0, 2},
    {"log2", EXACT(std::log2(x)), 0.9, 0, 2},    {"sin", EXACT(std::sin(x)), 0.9, -10, 10},
    {"cos", EXACT(std::cos(x)), 0.9, -10, 10},   {"tanh", EXACT(std::tanh(x)), 1.5, -20, 20},
    {"erf", EXACT(std::erf(x)), 1.5, -6, 6},     {"pow", EXACT(std::pow(x, y)), 0.9, 0, 10, 2},
};
#undef EXACT

/// The distance between the two floats around `exact`. Beyond the largest, as if there were more.
template <class T>
Wide<T> ulp(Wide<T> exact) {
  using Limits = std::numeric_limits<T>;
  const int exponent = exact == 0 ? Limits::min_exponent : std::ilogb(exact) + 1;
  return std::ldexp(Wide<T>{1}, std::clamp(exponent, Limits::min_exponent, Limits::max_exponent) -
                                    Limits::digits);
}

template <class T>
double error(T got, Wide<T> exact) {
  constexpr double kWrong = std::numeric_limits<double>::infinity();
  if (std::isnan(got) || std::isnan(exact))
    return std::isnan(got) && std::isnan(exact) ? 0 : kWrong;
  if (exact == 0 || std::isinf(exact)) {
    return exact == got && std::signbit(exact) == std::signbit(got) ? 0 : kWrong;
  }
  if (std::signbit(exact) != std::signbit(got)) return kWrong;
  const Wide<T> beyond = std::ldexp(Wide<T>{1}, std::numeric_limits<T>::max_exponent);
  const Wide<T> size = std::isinf(got) ? beyond : std::fabs(Wide<T>{got});
  const Wide<T> wanted = std::min(std::fabs(exact), beyond);
  return static_cast<double>(std::fabs(size - wanted) / ulp<T>(wanted));
}

struct Worst {
  double error = -1;
  std::string input;
  uint64_t inputs = 0;
};

/// A function's arguments: x, and y if it takes two.
template <class T>
struct Inputs {
  std::vector<T> x, y;
};

template <class T>
void save(const std::filesystem::path& path, const std::vector<T>& values) {
  runtime::save_npy(path, Wider<T>::dtype, {static_cast<int64_t>(values.size())},
                    reinterpret_cast<const std::byte*>(values.data()));
}

/// What the compiled function makes of the inputs; throws where it does not run.
template <class T>
std::vector<T> results(const std::string& tenon, const Function<T>& f, const Inputs<T>& inputs) {
  const ScratchFolder folder;
  const std::string type(runtime::row(Wider<T>::dtype).text);
  const bool two = f.arity == 2;
  save(folder.path() / "x.npy", inputs.x);
  if (two) save(folder.path() / "y.npy", inputs.y);
  std::string program =
      fmt::format("fn main() {{\n  let x: {}[{}] = load(\"x.npy\");\n", type, inputs.x.size());
  if (two) program += fmt::format("  let y: {}[{}] = load(\"y.npy\");\n", type, inputs.x.size());
  program += fmt::format("  save(\"z.npy\", {}_{}({}));\n}}\n", f.name, type, two ? "x, y" : "x");
  write_file(folder.path() / "f.tn", program);
  const Outcome outcome = run({{tenon, "run", "f.tn"}, folder.path(), "", 120});
  if (outcome.status != 0) throw std::runtime_error(describe(outcome) + "\n" + outcome.err);

  std::vector<T> values(inputs.x.size());
  runtime::load_npy(folder.path() / "z.npy", Wider<T>::dtype, {static_cast<int64_t>(values.size())},
                    [&](int64_t) { return reinterpret_cast<std::byte*>(values.data()); });
  return values;
}

template <class T>
Worst compare(const std::string& tenon, const Function<T>& f, const Inputs<T>& inputs) {
  const std::vector<T> got = results(tenon, f, inputs);
  Worst worst;
  worst.inputs = got.size();
  for (size_t i = 0; i < got.size(); ++i) {
    const T x = inputs.x[i], y = f.arity == 2 ? inputs.y[i] : T{0};
    const double e = error(got[i], f.exact(x, y));
    if (e <= worst.error) continue;
    worst.error = e;
    worst.input = f.arity == 2 ? fmt::format("{}, {}", x, y) : fmt::format("{}", x);
  }
  return worst;
}

/// Bit patterns from `first` on, every `step`-th.
Inputs<float> patterns(uint64_t first, uint64_t count, uint64_t step) {
  Inputs<float> inputs;
  for (uint64_t i = 0; i < count && first + i * step < 1ull << 32; ++i)
    inputs.x.push_back(std::bit_cast<float>(static_cast<uint32_t>(first + i * step)));
  return inputs;
}

/// A third each: any bit pattern, the function's interval, and close to a multiple of pi/2 or to 1.
template <class T>
Inputs<T> sample(const Function<T>& f, size_t count, uint64_t seed) {
  using Bits = typename Wider<T>::bits;
  std::mt19937_64 random(seed);
  const auto any = [&] { return std::bit_cast<T>(static_cast<Bits>(random())); };
  const auto in = [&](double from, double to) {
    return static_cast<T>(std::uniform_real_distribution<double>(from, to)(random));
  };
  const auto nearby = [&](T x) {
    return std::bit_cast<T>(static_cast<Bits>(std::bit_cast<Bits>(x) + random() % 64 - 32));
  };
  Inputs<T> inputs;
  for (size_t i = 0; i < count; ++i) {
    const double turns = std::floor(std::exp2(in(0, 50)));
    switch (i % 3) {
      case 0: inputs.x.push_back(any()), inputs.y.push_back(any()); break;
      case 1: inputs.x.push_back(in(f.from, f.to)), inputs.y.push_back(in(-300, 300)); break;
      default:
        inputs.x.push_back(nearby(static_cast<T>(f.arity == 2 ? 1 : turns * M_PI_2)));
        inputs.y.push_back(static_cast<T>(turns));
    }
  }
  return inputs;
}

struct Options {
  std::string tenon, filter;
  bool all = false, table = false;
};

class Judge {
 public:
  explicit Judge(const Options& options) : options_(options) {}

  template <class T>
  void judge(const Function<T>& f) {
    const std::string name = fmt::format("{}_{}", f.name, runtime::row(Wider<T>::dtype).text);
    if (!contains(name, options_.filter)) return;
    try {
      const Worst worst = measure(f);
      if (options_.table) {
        fmt::print("| `{}` | {:.3f} | {} | {} |\n", name, worst.error, worst.input, worst.inputs);
        std::fflush(stdout);  // with --all the next row takes minutes
      }
      if (worst.error <= f.bound) return tally_.pass();
      tally_.fail(name, fmt::format("off by {} ulp at {}, more than {}", worst.error, worst.input,
                                    f.bound));
    } catch (const std::exception& e) {
      tally_.fail(name, e.what());
    }
  }

  int close() { return tally_.close(); }

 private:
  static constexpr uint64_t kSlice = 1u << 24;

  template <class T>
  Worst measure(const Function<T>& f) {
    const bool patterned = std::is_same_v<T, float> && f.arity == 1;
    const uint64_t step = options_.all ? 1 : 509;
    const uint64_t slices = options_.all ? 256 : 1;
    Worst worst;
    std::string problem;
    std::mutex mutex;
    for_each_in_parallel(slices, [&](size_t slice) {
      try {
        Inputs<T> inputs;
        if constexpr (std::is_same_v<T, float>) {
          if (patterned) inputs = patterns(slice * kSlice, kSlice, step);
        }
        if (!patterned) inputs = sample(f, options_.all ? 1u << 21 : 1u << 20, slice);
        const Worst here = compare(options_.tenon, f, inputs);
        const std::lock_guard lock(mutex);
        worst.inputs += here.inputs;
        if (here.error > worst.error) worst.error = here.error, worst.input = here.input;
      } catch (const std::exception& e) {
        const std::lock_guard lock(mutex);
        problem = e.what();
      }
    });
    if (!problem.empty()) throw std::runtime_error(problem);
    return worst;
  }

  const Options& options_;
  Tally tally_{"accuracy"};
};

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--all") {
      options.all = true;
    } else if (word == "--table") {
      options.table = true;
    } else if (word.starts_with("--filter=")) {
      options.filter = word.substr(word.find('=') + 1);
    } else {
      options.tenon = std::filesystem::absolute(word).string();
    }
  }
  Judge judge(options);
  if (options.table)
    fmt::print("| function | largest error, ulp | at | inputs |\n|---|---|---|---|\n");
  for (const auto& f : kF32) judge.judge(f);
  for (const auto& f : kF64) judge.judge(f);
  return judge.close();
}
