#include "device.h"
// Prefix sums of 64 elements for each block (Hillis and Steele).
KERNEL scan(const float* a, const float* b, float* c, int n) {
  __shared__ float s[2][64];
  int t = threadIdx.x, from = 0;
  s[0][t] = a[blockIdx.x * 64 + t];
  __syncthreads();
  for (int step = 1; step < 64; step *= 2) {
    s[1 - from][t] = t >= step ? s[from][t] + s[from][t - step] : s[from][t];
    from = 1 - from;
    __syncthreads();
  }
  c[blockIdx.x * 64 + t] = s[from][t];
}
