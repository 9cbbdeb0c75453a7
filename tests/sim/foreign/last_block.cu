#include "device.h"
__device__ float parts[4];
__device__ unsigned arrived;
// The last block of four sums what all have left (the threadFenceReduction pattern).
KERNEL last_block(const float* a, const float* b, float* c, int n) {
  __shared__ bool last;
  int t = threadIdx.x, i = blockIdx.x * 64 + t;
  float v = a[i];
  c[i] = 0;
  if (t == 0) {
    float sum = 0;
    for (int k = 0; k < 64; ++k) sum += a[blockIdx.x * 64 + k];
    parts[blockIdx.x] = sum;
    __threadfence();
    last = atomicInc(&arrived, 3) == 3;
  }
  __syncthreads();
  if (last && t == 0) {
    __threadfence();
    float sum = 0;
    for (int k = 0; k < 4; ++k) sum += ((volatile float*)parts)[k];
    c[i] = sum + v - v;
  }
}
