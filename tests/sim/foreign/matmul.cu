#include "device.h"
KERNEL matmul(const float* a, const float* b, float* c, int n) {
  int i = threadIdx.y, j = threadIdx.x;
  float sum = 0;
  for (int k = 0; k < 16; ++k) sum += a[i * 16 + k] * b[k * 16 + j];
  c[i * 16 + j] = sum;
}
