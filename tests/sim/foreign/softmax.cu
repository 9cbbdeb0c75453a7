#include "device.h"
// A row of 32 for each warp.
KERNEL softmax(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float most = a[i];
  for (int lanes = 16; lanes > 0; lanes /= 2) most = fmaxf(most, __shfl_xor_sync(~0u, most, lanes));
  float e = power2((a[i] - most) * 1.44269504f), sum = e;
  for (int lanes = 16; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(~0u, sum, lanes);
  c[i] = e / sum;
}
