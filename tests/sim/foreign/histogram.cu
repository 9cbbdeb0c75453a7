#include "device.h"
// How many of a lie in each of 16 stretches of [-4, 4), as floats in c.
KERNEL histogram(const float* a, const float* b, float* c, int n) {
  __shared__ int count[16];
  if (threadIdx.x < 16) count[threadIdx.x] = 0;
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) atomicAdd(&count[(int)((a[i] + 4) * 2)], 1);
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) c[i] = (float)count[i % 16];
}
