#include "device.h"
// What nvcc takes from its library: long sequences of integer and floating-point instructions.
KERNEL library(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float x = a[i], y = b[i] + 4.5f;
  c[i] = expf(x) + logf(y) + tanhf(x) + powf(y, 1.5f) + erff(x) + atanf(x) + cbrtf(y) + fmodf(x * 10, y);
}
