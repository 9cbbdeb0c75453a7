#include "device.h"
KERNEL argmax(const float* a, const float* b, float* c, int n) {
  int row = threadIdx.x;
  int best = 0;
  for (int k = 1; k < 16; ++k) {
    if (a[row * 16 + k] > a[row * 16 + best]) best = k;
  }
  for (int k = 0; k < 16; ++k) c[row * 16 + k] = k == best ? 1.0f : 0.0f;
}
