#include "device.h"
KERNEL saxpy(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = 2.5f * a[i] + b[i];
}
