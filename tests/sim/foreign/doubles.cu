#include "device.h"
KERNEL doubles(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  double x = a[i], y = b[i] + 8.0, sum = 0;
  for (int k = 1; k < 20; ++k) sum += x / (y * k) - x * x * 1e-3;
  c[i] = (float)(sum < 0 ? -sum : sum);
}
