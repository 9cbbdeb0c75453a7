#include "device.h"
KERNEL integers64(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  long long x = (long long)(a[i] * 1000) * 1000003ll * (i + 1), y = (long long)(b[i] * 10) | 1;
  unsigned long long u = (unsigned long long)x * 6364136223846793005ull + 1442695040888963407ull;
  long long result = x / y + x % y + (long long)(u >> (i % 64)) + (x << (i & 15)) + (x < y ? x : y);
  c[i] = (float)(result % 65536);
}
