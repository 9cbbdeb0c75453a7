#include "tests/sim/foreign_examples.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "runtime/small_float.h"
#include "tests/sim/foreign_scalars.h"

namespace tenon::tests {
namespace {

float half(float x) {
  return static_cast<float>(runtime::SmallFloat<runtime::SmallFormat::f16>(x));
}
float bfloat(float x) {
  return static_cast<float>(runtime::SmallFloat<runtime::SmallFormat::bf16>(x));
}

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
      for (int k = 0; k < 32; ++k)
        same |= uint32_t{static_cast<int>(a[first + i]) == static_cast<int>(a[first + k])} << k;
      c[first + i] =
          static_cast<float>(__builtin_popcount(positive) + 100 * all + 200 * any +
                             1000 * __builtin_popcount(same)) +
          static_cast<float>(static_cast<uint32_t>(__builtin_ffs(static_cast<int>(same))) +
                             (positive >> 31));
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
      c[i] = static_cast<float>(least) + static_cast<float>(most) * 2 +
             static_cast<float>(bits) * 0.5f + sum + static_cast<float>(turn) + 64;
    }
  });
}

float library(int, float x, float b) {
  const double y = b + 4.5, wide = x;
  return static_cast<float>(std::exp(wide) + std::log(y) + std::tanh(wide) + std::pow(y, 1.5) +
                            std::erf(wide) + std::atan(wide) + std::cbrt(y) +
                            std::fmod(wide * 10, y));
}

float special(int, float x, float b) {
  const double y = b + 4.5, wide = x;
  return static_cast<float>(std::exp(wide) + std::log(y) + std::sin(wide) * std::cos(y) +
                            1 / std::sqrt(y) + wide / y + std::sqrt(y) + std::floor(wide) +
                            std::rint(y) + std::fabs(wide));
}

float bits(int i, float a, float b) {
  uint32_t x, y;
  std::memcpy(&x, &a, 4);
  std::memcpy(&y, &b, 4);
  x *= 2654435761u;
  const uint64_t both = uint64_t{y} << 32 | x;
  uint32_t permuted = 0, reversed = 0;
  for (int k = 0; k < 4; ++k)
    permuted |= static_cast<uint32_t>(both >> 8 * (0x3715 >> 4 * k & 7) & 255) << 8 * k;
  for (int k = 0; k < 32; ++k) reversed |= (x >> k & 1) << (31 - k);
  uint32_t r = permuted ^ reversed ^ static_cast<uint32_t>(both << (i & 31) >> 32) ^
               static_cast<uint32_t>(both >> (i & 31)) ^
               static_cast<uint32_t>(uint64_t{x} * y >> 32);
  const auto product = static_cast<uint32_t>(
      static_cast<int64_t>(static_cast<int32_t>(x)) * static_cast<int32_t>(y) >> 32);
  r ^= (x & y) | (~x & (y ^ 0x55u)) | static_cast<uint32_t>(__builtin_ffs(static_cast<int>(y))) |
       ((x > y ? x - y : y - x) + 3) | product;
  return static_cast<float>(r & 0xffff);
}

}  // namespace

const std::map<std::string, Example>& examples() {
  static const auto* const all = new std::map<std::string, Example>{
      {"saxpy", {{4}, {64}, each([](int, float a, float b) { return 2.5f * a + b; })}},
      {"copy4",
       {{1},
        {64},
        [](const Floats& a, const Floats& b, Floats& c) {
          for (int i = 0; i < n; ++i) c[i] = a[i] + b[i / 4 * 4 + 3 - i % 4];
        }}},
      {"reduce_shared",
       {{4},
        {64},
        [](const Floats& a, const Floats& b, Floats& c) {
          stretches(64, [&](int first, int size) {
            float sum = 0;
            for (int i = first; i < first + size; ++i) sum += a[i] * b[i];
            std::fill_n(c.begin() + first, size, sum);
          });
        },
        1e-6}},
      {"reduce_shuffle",
       {{4},
        {64},
        [](const Floats& a, const Floats& b, Floats& c) {
          stretches(32, [&](int first, int size) {
            float sum = 0;
            for (int i = first; i < first + size; ++i) sum += a[i] - b[i];
            std::fill_n(c.begin() + first, size, sum);
          });
        }}},
      {"softmax",
       {{4},
        {64},
        [](const Floats& a, const Floats&, Floats& c) {
          stretches(32, [&](int first, int size) {
            double sum = 0;
            for (int i = first; i < first + size; ++i) sum += std::exp(static_cast<double>(a[i]));
            for (int i = first; i < first + size; ++i)
              c[i] = static_cast<float>(std::exp(static_cast<double>(a[i])) / sum);
          });
        },
        1e-6}},
      {"layernorm",
       {{4},
        {64},
        [](const Floats& a, const Floats& b, Floats& c) {
          stretches(64, [&](int first, int size) {
            double mean = 0, squares = 0;
            for (int i = first; i < first + size; ++i)
              mean += a[i], squares += static_cast<double>(a[i]) * a[i];
            mean /= size;
            const double variance = squares / size - mean * mean;
            for (int i = first; i < first + size; ++i)
              c[i] = static_cast<float>((a[i] - mean) / std::sqrt(variance + 1e-5) * b[i]);
          });
        },
        1e-5}},
      {"transpose",
       {{1},
        {16, 16},
        [](const Floats& a, const Floats&, Floats& c) {
          for (int i = 0; i < n; ++i) c[i] = a[i % 16 * 16 + i / 16];
        }}},
      {"matmul", {{1}, {16, 16}, product, 1e-6}},
      {"matmul_tiled", {{2, 2}, {8, 8}, product, 1e-6}},
      {"matmul_registers", {{1}, {4, 4}, product, 1e-6}},
      {"tensor", {{1}, {32}, product, 1e-6}},
      {"pipeline",
       {{1},
        {64},
        [](const Floats& a, const Floats&, Floats& c) {
          for (int t = 0; t < 64; ++t) {
            const float sum = a[63 - t] + a[127 - t] + a[191 - t] + a[255 - t];
            for (int k = 0; k < 4; ++k) c[k * 64 + t] = sum;
          }
        }}},
      {"scan",
       {{4},
        {64},
        [](const Floats& a, const Floats&, Floats& c) {
          stretches(64, [&](int first, int size) {
            float sum = 0;
            for (int i = first; i < first + size; ++i) c[i] = sum += a[i];
          });
        },
        1e-6}},
      {"warp_scan",
       {{4},
        {64},
        [](const Floats& a, const Floats&, Floats& c) {
          stretches(32, [&](int first, int size) {
            float sum = 0;
            for (int i = first; i < first + size; ++i) c[i] = sum += a[i];
          });
        },
        1e-6}},
      {"histogram",
       {{1},
        {64},
        [](const Floats& a, const Floats&, Floats& c) {
          int count[16] = {};
          for (const float x : a) ++count[static_cast<int>((x + 4) * 2)];
          for (int i = 0; i < n; ++i) c[i] = static_cast<float>(count[i % 16]);
        }}},
      {"gather",
       {{4},
        {64},
        [](const Floats& a, const Floats& b, Floats& c) {
          for (int i = 0; i < n; ++i) {
            const int from = static_cast<int>((b[i] + 4) * 31) % n;
            c[i] = a[from] + static_cast<float>(from);
          }
        }}},
      {"argmax",
       {{1},
        {16},
        [](const Floats& a, const Floats&, Floats& c) {
          stretches(16, [&](int first, int size) {
            const auto best =
                std::max_element(a.begin() + first, a.begin() + first + size) - a.begin();
            for (int i = first; i < first + size; ++i) c[i] = i == best ? 1.0f : 0.0f;
          });
        }}},
      {"convolve",
       {{4},
        {64},
        [](const Floats& a, const Floats&, Floats& c) {
          constexpr float kWeights[] = {0.5f, -1.0f, 2.0f, -1.0f, 0.5f};
          for (int i = 0; i < n; ++i) {
            c[i] = 0;
            for (int k = 0; k < 5; ++k)
              c[i] += i + k - 2 >= 0 && i + k - 2 < n ? kWeights[k] * a[i + k - 2] : 0;
          }
        },
        1e-6}},
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
      {"globals", {{4}, {64}, each([](int i, float a, float) {
                     return a * static_cast<float>(1 << (i % 2 * 4 + i / 2 % 4)) +
                            static_cast<float>(1 << i % 8);
                   })}},
      {"generic",
       {{4},
        {64},
        [](const Floats& a, const Floats& b, Floats& c) {
          for (int i = 0; i < n; ++i)
            c[i] = 2 * (i % 3 == 0 ? a[i / 64 * 64 + i % 64 * 7 % 64] : b[i % 64 * 7 % 64]);
        }}},
      {"structs",
       {{4},
        {64},
        each([](int i, float a, float b) {
          return a * 2 * (a + static_cast<float>(i % 3)) + static_cast<float>(1 << i % 4) + b;
        }),
        1e-6}},
      {"bitonic",
       {{1},
        {128},
        [](const Floats& a, const Floats&, Floats& c) {
          c = a;
          std::sort(c.begin(), c.end());
        }}},
      {"halves", {{4}, {64}, each(halves)}},
      {"bfloats", {{4}, {64}, each(bfloats)}},
      {"votes", {{4}, {64}, votes}},
      {"atomics", {{4}, {64}, atomics, 1e-6}},
      {"last_block",
       {{4},
        {64},
        [](const Floats& a, const Floats&, Floats& c) {
          std::fill(c.begin(), c.end(), 0.0f);
          for (const float x : a) c[192] += x;
        },
        1e-6}},
      {"special", {{4}, {64}, each(special), 1e-6}},
      {"library", {{4}, {64}, each(library), 4e-6}},
      {"bits", {{4}, {64}, each(bits)}},
  };
  return *all;
}

}  // namespace tenon::tests
