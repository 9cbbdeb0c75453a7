#include "device.h"
// A subscript that is not known: the array lies in local memory.
KERNEL local_array(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float stack[16];
  for (int k = 0; k < 16; ++k) stack[k] = a[(i + k) % n] * (float)k;
  float sum = 0;
  int at = i % 16;
  for (int k = 0; k < 10; ++k) {
    sum += stack[at];
    stack[at] = sum;
    at = (at * 5 + 3 + (b[i] > 0)) % 16;
  }
  c[i] = sum;
}
