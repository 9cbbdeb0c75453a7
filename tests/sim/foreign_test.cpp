// PTX that others made: tests/sim/foreign/NAME.cu as nvcc, clang 19 and LLVM 22 compile it
// (scripts/foreign-ptx.sh), run on the simulator and compared with the same computation here.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "runtime/small_float.h"
#include "tests/sim/launcher.h"

namespace tenon::tests {
namespace {

using Floats = std::vector<float>;
constexpr int n = 256;

struct Example {
  sim::Dim3 grid, block;
  std::function<void(const Floats& a, const Floats& b, Floats& c)> reference;
  double bound = 0;  ///< |difference| <= bound * max(1, |expected|)
};

float half(float x) { return static_cast<float>(runtime::SmallFloat<runtime::SmallFormat::f16>(x)); }
float bfloat(float x) { return static_cast<float>(runtime::SmallFloat<runtime::SmallFormat::bf16>(x)); }

/// c[i] = f(i, a[i], b[i]).
template <class F>
std::function<void(const Floats&, const Floats&, Floats&)> each(F f) {
  return [f](const Floats& a, const Floats& b, Floats& c) {
    for (int i = 0; i < n; ++i) c[i] = static_cast<float>(f(i, a[i], b[i]));
  };
}

/// The 256 numbers as matrices of 16 x 16.
void product(const Floats& a, const Floats& b, Floats& c) {
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) {
      double sum = 0;
      for (int k = 0; k < 16; ++k) sum += static_cast<double>(a[i * 16 + k]) * b[k * 16 + j];
      c[i * 16 + j] = static_cast<float>(sum);
    }
  }
}

/// Calls f(first, size) for each stretch of `size`.
template <class F>
void stretches(int size, F f) {
  for (int first = 0; first < n; first += size) f(first, size);
}

float integers(int i, float a, float b) {
  const int x = static_cast<int>(a * 1000) + 17 * i, y = static_cast<int>(b * 10) | 1;
  const uint32_t u = static_cast<uint32_t>(x) * 2654435761u, s = static_cast<uint32_t>(x) << (i & 7);
  const int zeros = x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x));
  uint32_t result = static_cast<uint32_t>(x / y + x % y) + (u >> (i % 32)) + s + static_cast<uint32_t>(__builtin_popcount(u) * 3 + zeros);
  const uint32_t high = static_cast<uint32_t>(uint64_t{u} * static_cast<uint32_t>(y) >> 32);
  result ^= high + static_cast<uint32_t>(x >> 3) + static_cast<uint32_t>(x < y ? x : y) - static_cast<uint32_t>(x > 0 ? x : -x);
  return static_cast<float>(static_cast<int>(result) % 65536);
}

float integers64(int i, float a, float b) {
  const int64_t x = static_cast<int64_t>(a * 1000) * 1000003 * (i + 1), y = static_cast<int64_t>(b * 10) | 1;
  const uint64_t u = static_cast<uint64_t>(x) * 6364136223846793005u + 1442695040888963407u;
  const uint64_t result = static_cast<uint64_t>(x / y + x % y) + (u >> (i % 64)) + (static_cast<uint64_t>(x) << (i & 15)) + static_cast<uint64_t>(x < y ? x : y);
  return static_cast<float>(static_cast<int64_t>(result) % 65536);
}

float narrow(int i, float a, float b) {
  auto x = static_cast<int16_t>(a * 5000), y = static_cast<int16_t>(b * 100);
  auto p = static_cast<uint8_t>(static_cast<int>(a * 8)), q = static_cast<uint8_t>(i);
  const auto r = static_cast<int8_t>(x + p);
  x = static_cast<int16_t>(x * y + q);
  p = static_cast<uint8_t>(p * q + r);
  return static_cast<float>(x) + static_cast<float>(p) * 2 + static_cast<float>(r);
}

float convert(int, float a, float b) {
  const double d = static_cast<double>(a) * 1.1;
  const auto wide = static_cast<int64_t>(d * 1e9);
  return static_cast<float>(static_cast<int>(d)) + static_cast<float>(static_cast<unsigned>(b + 4)) * 0.25f + static_cast<float>(wide) * 1e-9f +
         static_cast<float>(d - static_cast<double>(static_cast<float>(d))) + static_cast<float>(static_cast<int16_t>(wide));
}

float doubles(int, float a, float b) {
  const double x = a, y = b + 8.0;
  double sum = 0;
  for (int k = 1; k < 20; ++k) sum += x / (y * k) - x * x * 1e-3;
  return static_cast<float>(sum < 0 ? -sum : sum);
}

int steps(int x, int depth) {
  if (x <= 1 || depth > 30) return depth;
  return x % 2 ? steps(3 * x + 1, depth + 1) : steps(x / 2, depth + 1) + 1;
}

float switches(int i, float x, float y) {
  switch (i % 9) {
    case 0: return x + y;
    case 1: return x - y;
    case 2: return x * y;
    case 3: return y * y + 1;
    case 4: return x + 1;
    case 5: return -x;
    case 6: return y > 0 ? x : y;
    case 7: return 7 * y;
    default: return x;
  }
}

void local_array(const Floats& a, const Floats& b, Floats& c) {
  for (int i = 0; i < n; ++i) {
    float stack[16], sum = 0;
    for (int k = 0; k < 16; ++k) stack[k] = a[(i + k) % n] * static_cast<float>(k);
    for (int k = 0, at = i % 16; k < 10; ++k) {
      sum += stack[at];
      stack[at] = sum;
      at = (at * 5 + 3 + (b[i] > 0)) % 16;
    }
    c[i] = sum;
  }
}

/// As compilers contract it: the sums are fused.
float divergence(int i, float a, float b) {
  float x = 0, y = 0;
  int count = 0;
  while (std::fma(x, x, y * y) < 4 && count < 60) {
    const float next = std::fma(a, 0.5f, std::fma(x, x, -(y * y)));
    y = std::fma(b, 0.25f, 2 * x * y);
    x = next;
    ++count;
    if (count == 30 && i % 3 == 0) break;
    if (count % 7 == 0) continue;
    x += 0.001f;
  }
  return static_cast<float>(count);
}

void early_exit(const Floats& a, const Floats& b, Floats& c) {
  for (int i = 0; i < n; ++i) {
    c[i] = -1;
    if (a[i] < 0) continue;
    float sum = 0;
    bool left = false;
    for (int k = 0; k < i % 13 && !left; ++k) {
      sum += b[(i + k) % n];
      left = sum > 9;
    }
    c[i] = left ? sum : sum * 2;
  }
}

float halves(int, float a, float b) {
  const float x = half(a), y = half(b), q = half(0.1f);
  const float low = half(std::fma(x, y, half(x * x))), high = half(std::fma(y, q, half(y * y)));
  return half(low + high) + half(std::fma(x, y, x)) + (x > y ? 1.0f : 0.0f);
}

float bfloats(int, float a, float b) {
  const float x = bfloat(a * 1.01f), y = bfloat(b);
  return bfloat(std::fma(x, y, x)) + bfloat(x + y) + std::max(x, y);
}

void votes(const Floats& a, const Floats& b, Floats& c) {
  stretches(32, [&](int first, int) {
    uint32_t positive = 0;
    bool all = true, any = false;
    for (int i = 0; i < 32; ++i) {
      positive |= uint32_t{a[first + i] > 0} << i;
      all &= b[first + i] > -3.5f;
      any |= b[first + i] > 3.5f;
    }
    for (int i = 0; i < 32; ++i) {
      uint32_t same = 0;
      for (int k = 0; k < 32; ++k) same |= uint32_t{static_cast<int>(a[first + i]) == static_cast<int>(a[first + k])} << k;
      c[first + i] = static_cast<float>(__builtin_popcount(positive) + 100 * all + 200 * any + 1000 * __builtin_popcount(same)) +
                     static_cast<float>(static_cast<uint32_t>(__builtin_ffs(static_cast<int>(same))) + (positive >> 31));
    }
  });
}

void atomics(const Floats& a, const Floats& b, Floats& c) {
  stretches(64, [&](int first, int size) {
    int least = 1 << 20, most = -(1 << 20), bits = 0;
    float sum = 0;
    uint32_t turn = 0;
    for (int i = first; i < first + size; ++i) {
      const int x = static_cast<int>(a[i] * 100);
      least = std::min(least, x);
      most = std::max(most, x);
      bits |= 1 << (i % 20);
      sum += b[i];
      turn = turn >= 9 ? 0 : turn + 1;
    }
    for (int i = first; i < first + size; ++i) {
      c[i] = static_cast<float>(least) + static_cast<float>(most) * 2 + static_cast<float>(bits) * 0.5f + sum + static_cast<float>(turn) + 64;
    }
  });
}

float library(int, float x, float b) {
  const double y = b + 4.5, wide = x;
  return static_cast<float>(std::exp(wide) + std::log(y) + std::tanh(wide) + std::pow(y, 1.5) + std::erf(wide) + std::atan(wide) + std::cbrt(y) + std::fmod(wide * 10, y));
}

float special(int, float x, float b) {
  const double y = b + 4.5, wide = x;
  return static_cast<float>(std::exp(wide) + std::log(y) + std::sin(wide) * std::cos(y) + 1 / std::sqrt(y) + wide / y + std::sqrt(y) + std::floor(wide) + std::rint(y) + std::fabs(wide));
}

float bits(int i, float a, float b) {
  uint32_t x, y;
  std::memcpy(&x, &a, 4);
  std::memcpy(&y, &b, 4);
  x *= 2654435761u;
  const uint64_t both = uint64_t{y} << 32 | x;
  uint32_t permuted = 0, reversed = 0;
  for (int k = 0; k < 4; ++k) permuted |= static_cast<uint32_t>(both >> 8 * (0x3715 >> 4 * k & 7) & 255) << 8 * k;
  for (int k = 0; k < 32; ++k) reversed |= (x >> k & 1) << (31 - k);
  uint32_t r = permuted ^ reversed ^ static_cast<uint32_t>(both << (i & 31) >> 32) ^ static_cast<uint32_t>(both >> (i & 31)) ^ static_cast<uint32_t>(uint64_t{x} * y >> 32);
  const auto product = static_cast<uint32_t>(static_cast<int64_t>(static_cast<int32_t>(x)) * static_cast<int32_t>(y) >> 32);
  r ^= (x & y) | (~x & (y ^ 0x55u)) | static_cast<uint32_t>(__builtin_ffs(static_cast<int>(y))) | ((x > y ? x - y : y - x) + 3) | product;
  return static_cast<float>(r & 0xffff);
}

const std::map<std::string, Example>& examples() {
  static const auto* const all = new std::map<std::string, Example>{
      {"saxpy", {{4}, {64}, each([](int, float a, float b) { return 2.5f * a + b; })}},
      {"copy4", {{1}, {64}, [](const Floats& a, const Floats& b, Floats& c) {
         for (int i = 0; i < n; ++i) c[i] = a[i] + b[i / 4 * 4 + 3 - i % 4];
       }}},
      {"reduce_shared", {{4}, {64}, [](const Floats& a, const Floats& b, Floats& c) {
         stretches(64, [&](int first, int size) {
           float sum = 0;
           for (int i = first; i < first + size; ++i) sum += a[i] * b[i];
           std::fill_n(c.begin() + first, size, sum);
         });
       }, 1e-6}},
      {"reduce_shuffle", {{4}, {64}, [](const Floats& a, const Floats& b, Floats& c) {
         stretches(32, [&](int first, int size) {
           float sum = 0;
           for (int i = first; i < first + size; ++i) sum += a[i] - b[i];
           std::fill_n(c.begin() + first, size, sum);
         });
       }}},
      {"softmax", {{4}, {64}, [](const Floats& a, const Floats&, Floats& c) {
         stretches(32, [&](int first, int size) {
           double sum = 0;
           for (int i = first; i < first + size; ++i) sum += std::exp(static_cast<double>(a[i]));
           for (int i = first; i < first + size; ++i) c[i] = static_cast<float>(std::exp(static_cast<double>(a[i])) / sum);
         });
       }, 1e-6}},
      {"layernorm", {{4}, {64}, [](const Floats& a, const Floats& b, Floats& c) {
         stretches(64, [&](int first, int size) {
           double mean = 0, squares = 0;
           for (int i = first; i < first + size; ++i) mean += a[i], squares += static_cast<double>(a[i]) * a[i];
           mean /= size;
           const double variance = squares / size - mean * mean;
           for (int i = first; i < first + size; ++i) c[i] = static_cast<float>((a[i] - mean) / std::sqrt(variance + 1e-5) * b[i]);
         });
       }, 1e-5}},
      {"transpose", {{1}, {16, 16}, [](const Floats& a, const Floats&, Floats& c) {
         for (int i = 0; i < n; ++i) c[i] = a[i % 16 * 16 + i / 16];
       }}},
      {"matmul", {{1}, {16, 16}, product, 1e-6}},
      {"matmul_tiled", {{2, 2}, {8, 8}, product, 1e-6}},
      {"matmul_registers", {{1}, {4, 4}, product, 1e-6}},
      {"tensor", {{1}, {32}, product, 1e-6}},
      {"pipeline", {{1}, {64}, [](const Floats& a, const Floats&, Floats& c) {
         for (int t = 0; t < 64; ++t) {
           const float sum = a[63 - t] + a[127 - t] + a[191 - t] + a[255 - t];
           for (int k = 0; k < 4; ++k) c[k * 64 + t] = sum;
         }
       }}},
      {"scan", {{4}, {64}, [](const Floats& a, const Floats&, Floats& c) {
         stretches(64, [&](int first, int size) {
           float sum = 0;
           for (int i = first; i < first + size; ++i) c[i] = sum += a[i];
         });
       }, 1e-6}},
      {"warp_scan", {{4}, {64}, [](const Floats& a, const Floats&, Floats& c) {
         stretches(32, [&](int first, int size) {
           float sum = 0;
           for (int i = first; i < first + size; ++i) c[i] = sum += a[i];
         });
       }, 1e-6}},
      {"histogram", {{1}, {64}, [](const Floats& a, const Floats&, Floats& c) {
         int count[16] = {};
         for (const float x : a) ++count[static_cast<int>((x + 4) * 2)];
         for (int i = 0; i < n; ++i) c[i] = static_cast<float>(count[i % 16]);
       }}},
      {"gather", {{4}, {64}, [](const Floats& a, const Floats& b, Floats& c) {
         for (int i = 0; i < n; ++i) {
           const int from = static_cast<int>((b[i] + 4) * 31) % n;
           c[i] = a[from] + static_cast<float>(from);
         }
       }}},
      {"argmax", {{1}, {16}, [](const Floats& a, const Floats&, Floats& c) {
         stretches(16, [&](int first, int size) {
           const auto best = std::max_element(a.begin() + first, a.begin() + first + size) - a.begin();
           for (int i = first; i < first + size; ++i) c[i] = i == best ? 1.0f : 0.0f;
         });
       }}},
      {"convolve", {{4}, {64}, [](const Floats& a, const Floats&, Floats& c) {
         constexpr float kWeights[] = {0.5f, -1.0f, 2.0f, -1.0f, 0.5f};
         for (int i = 0; i < n; ++i) {
           c[i] = 0;
           for (int k = 0; k < 5; ++k) c[i] += i + k - 2 >= 0 && i + k - 2 < n ? kWeights[k] * a[i + k - 2] : 0;
         }
       }, 1e-6}},
      {"integers", {{4}, {64}, each(integers)}},
      {"integers64", {{4}, {64}, each(integers64)}},
      {"narrow", {{4}, {64}, each(narrow)}},
      {"convert", {{4}, {64}, each(convert), 1e-6}},
      {"doubles", {{4}, {64}, each(doubles), 1e-6}},
      {"recursion", {{4}, {64}, each([](int i, float, float) { return steps(i % 40 + 1, 0); })}},
      {"switches", {{4}, {64}, each(switches)}},
      {"local_array", {{4}, {64}, local_array}},
      {"divergence", {{4}, {64}, each(divergence)}},
      {"early_exit", {{4}, {64}, early_exit}},
      {"globals", {{4}, {64}, each([](int i, float a, float) { return a * static_cast<float>(1 << (i % 2 * 4 + i / 2 % 4)) + static_cast<float>(1 << i % 8); })}},
      {"generic", {{4}, {64}, [](const Floats& a, const Floats& b, Floats& c) {
         for (int i = 0; i < n; ++i) c[i] = 2 * (i % 3 == 0 ? a[i / 64 * 64 + i % 64 * 7 % 64] : b[i % 64 * 7 % 64]);
       }}},
      {"structs", {{4}, {64}, each([](int i, float a, float b) { return a * 2 * (a + static_cast<float>(i % 3)) + static_cast<float>(1 << i % 4) + b; }), 1e-6}},
      {"bitonic", {{1}, {128}, [](const Floats& a, const Floats&, Floats& c) {
         c = a;
         std::sort(c.begin(), c.end());
       }}},
      {"halves", {{4}, {64}, each(halves)}},
      {"bfloats", {{4}, {64}, each(bfloats)}},
      {"votes", {{4}, {64}, votes}},
      {"atomics", {{4}, {64}, atomics, 1e-6}},
      {"last_block", {{4}, {64}, [](const Floats& a, const Floats&, Floats& c) {
         std::fill(c.begin(), c.end(), 0.0f);
         for (const float x : a) c[192] += x;
       }, 1e-6}},
      {"special", {{4}, {64}, each(special), 1e-6}},
      {"library", {{4}, {64}, each(library), 4e-6}},
      {"bits", {{4}, {64}, each(bits)}},
  };
  return *all;
}

void run_file(const std::filesystem::path& path) {
  CAPTURE(path.filename().string());
  const std::string name = path.filename().string().substr(0, path.filename().string().find('.'));
  REQUIRE(examples().contains(name));
  const Example& example = examples().at(name);
  const Floats a = numbers(n, 1), b = numbers(n, 2);
  Floats expected(n);
  example.reference(a, b, expected);
  for (const bool late : {true, false}) {
    sim::Device device;
    const sim::Address at_a = upload(device, a, "a"), at_b = upload(device, b, "b"), at_c = device.allocate(4 * n, "c");
    sim::LaunchOptions options;
    options.late_copies = late;
    options.reverse_blocks = !late && name != "last_block" && name != "atomics";
    const sim::Report report = device.launch(read_ptx(path), name, example.grid, example.block, 0,
                                             (KernelArguments() << at_a << at_b << at_c << n).bytes(), options);
    CHECK_MESSAGE(report.ok(), faults_text(report));
    const Floats c = download(device, at_c, n);
    int wrong = -1;
    for (int i = n; i-- > 0;) {
      if (!(std::fabs(c[i] - expected[i]) <= example.bound * std::max(1.0f, std::fabs(expected[i])))) wrong = i;
    }
    if (wrong < 0) continue;
    CAPTURE(wrong);
    CHECK(c[wrong] == expected[wrong]);
  }
}

TEST_CASE("PTX of other compilers computes what the processor does") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSimTests / "foreign")) {
    if (entry.path().extension() != ".ptx") continue;
    ++files;
    run_file(entry.path());
  }
  CHECK(files >= 60);
}

}  // namespace
}  // namespace tenon::tests
