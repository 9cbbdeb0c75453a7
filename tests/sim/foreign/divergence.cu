#include "device.h"
// Escape times: lanes leave the loop one by one, some at once, some not.
KERNEL divergence(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float x = 0, y = 0;
  int steps = 0;
  while (x * x + y * y < 4 && steps < 60) {
    float next = x * x - y * y + a[i] * 0.5f;
    y = 2 * x * y + b[i] * 0.25f;
    x = next;
    ++steps;
    if (steps == 30 && i % 3 == 0) break;
    if (steps % 7 == 0) continue;
    x += 0.001f;
  }
  c[i] = (float)steps;
}
