#include "device.h"
KERNEL reduce_shared(const float* a, const float* b, float* c, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  s[t] = a[blockIdx.x * 64 + t] * b[blockIdx.x * 64 + t];
  __syncthreads();
  for (int step = 32; step > 0; step /= 2) {
    if (t < step) s[t] += s[t + step];
    __syncthreads();
  }
  c[blockIdx.x * 64 + t] = s[0];
}
