// The examples that compute each number by itself.
#include "tests/sim/foreign_scalars.h"

#include <cstdint>

namespace tenon::tests {

float integers(int i, float a, float b) {
  const int x = static_cast<int>(a * 1000) + 17 * i, y = static_cast<int>(b * 10) | 1;
  const uint32_t u = static_cast<uint32_t>(x) * 2654435761u, s = static_cast<uint32_t>(x)
                                                                 << (i & 7);
  const int zeros = x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x));
  uint32_t result = static_cast<uint32_t>(x / y + x % y) + (u >> (i % 32)) + s +
                    static_cast<uint32_t>(__builtin_popcount(u) * 3 + zeros);
  const uint32_t high = static_cast<uint32_t>(uint64_t{u} * static_cast<uint32_t>(y) >> 32);
  result ^= high + static_cast<uint32_t>(x >> 3) + static_cast<uint32_t>(x < y ? x : y) -
            static_cast<uint32_t>(x > 0 ? x : -x);
  return static_cast<float>(static_cast<int>(result) % 65536);
}

float integers64(int i, float a, float b) {
  const int64_t x = static_cast<int64_t>(a * 1000) * 1000003 * (i + 1),
                y = static_cast<int64_t>(b * 10) | 1;
  const uint64_t u = static_cast<uint64_t>(x) * 6364136223846793005u + 1442695040888963407u;
  const uint64_t result = static_cast<uint64_t>(x / y + x % y) + (u >> (i % 64)) +
                          (static_cast<uint64_t>(x) << (i & 15)) +
                          static_cast<uint64_t>(x < y ? x : y);
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
  return static_cast<float>(static_cast<int>(d)) +
         static_cast<float>(static_cast<unsigned>(b + 4)) * 0.25f +
         static_cast<float>(wide) * 1e-9f +
         static_cast<float>(d - static_cast<double>(static_cast<float>(d))) +
         static_cast<float>(static_cast<int16_t>(wide));
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

}  // namespace tenon::tests
