#include "device.h"
// A row of 64 for each block of two warps.
KERNEL layernorm(const float* a, const float* b, float* c, int n) {
  __shared__ float part[4];
  int i = blockIdx.x * 64 + threadIdx.x, warp = threadIdx.x / 32;
  float sum = a[i], squares = a[i] * a[i];
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    sum += __shfl_xor_sync(~0u, sum, lanes);
    squares += __shfl_xor_sync(~0u, squares, lanes);
  }
  if (threadIdx.x % 32 == 0) part[warp] = sum, part[2 + warp] = squares;
  __syncthreads();
  float mean = (part[0] + part[1]) / 64, variance = (part[2] + part[3]) / 64 - mean * mean;
  c[i] = (a[i] - mean) / sqrtf(variance + 1e-5f) * b[i];
}
