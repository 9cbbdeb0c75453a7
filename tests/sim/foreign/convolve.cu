#include "device.h"
__constant__ float weights[5] = {0.5f, -1.0f, 2.0f, -1.0f, 0.5f};
KERNEL convolve(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = 0;
  for (int k = 0; k < 5; ++k) {
    int at = i + k - 2;
    if (at >= 0 && at < n) sum += weights[k] * a[at];
  }
  c[i] = sum;
}
