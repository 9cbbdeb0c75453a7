#include "device.h"
KERNEL warp_scan(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
  float v = a[i];
  for (int step = 1; step < 32; step *= 2) {
    float other = __shfl_up_sync(~0u, v, step);
    if (lane >= step) v += other;
  }
  c[i] = v;
}
