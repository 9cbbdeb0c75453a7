#include "device.h"
KERNEL integers(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int x = (int)(a[i] * 1000) + 17 * i, y = (int)(b[i] * 10) | 1;
  unsigned u = (unsigned)x * 2654435761u;
  int result = x / y + x % y + (int)(u >> (i % 32)) + (x << (i & 7)) + __popc(u) * 3 + __clz(x);
  result ^= (int)((unsigned long long)u * (unsigned)y >> 32) + (x >> 3) + (x < y ? x : y) - (x > 0 ? x : -x);
  c[i] = (float)(result % 65536);
}
