#include "device.h"
KERNEL early_exit(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  c[i] = -1;
  if (a[i] < 0) return;
  float sum = 0;
  for (int k = 0; k < i % 13; ++k) {
    sum += b[(i + k) % n];
    if (sum > 9) {
      c[i] = sum;
      return;
    }
  }
  c[i] = sum * 2;
}
