#include "device.h"
KERNEL switches(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float x = a[i], y = b[i];
  switch (i % 9) {
    case 0: x = x + y; break;
    case 1: x = x - y; break;
    case 2: x = x * y; break;
    case 3: x = y * y; // and on
    case 4: x = x + 1; break;
    case 5: x = -x; break;
    case 6: x = y > 0 ? x : y; break;
    case 7: x = 7 * y; break;
  }
  c[i] = x;
}
