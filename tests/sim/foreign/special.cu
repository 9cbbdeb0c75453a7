#include "device.h"
KERNEL special(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float x = a[i], y = b[i] + 4.5f;
  c[i] = __expf(x) + __logf(y) + __sinf(x) * __cosf(y) + rsqrtf(y) + __fdividef(x, y) + sqrtf(y) + floorf(x) + rintf(y) + fabsf(x);
}
