#include "device.h"
// Arithmetic in 8 and 16 bits, which wraps.
KERNEL narrow(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  short x = (short)(a[i] * 5000), y = (short)(b[i] * 100);
  unsigned char p = (unsigned char)(int)(a[i] * 8), q = (unsigned char)i;
  signed char r = (signed char)(x + p);
  x = (short)(x * y + q);
  p = (unsigned char)(p * q + r);
  c[i] = (float)x + (float)p * 2 + (float)r;
}
