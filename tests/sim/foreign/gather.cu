#include "device.h"
KERNEL gather(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int from = (int)((b[i] + 4) * 31) % n;
  c[i] = a[from] + (float)from;
}
