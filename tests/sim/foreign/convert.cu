#include "device.h"
KERNEL convert(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  double d = (double)a[i] * 1.1;
  int down = (int)d;
  unsigned u = (unsigned)(b[i] + 4);
  long long wide = (long long)(d * 1e9);
  c[i] = (float)down + (float)u * 0.25f + (float)wide * 1e-9f + (float)(d - (float)d) + (float)(short)(wide);
}
