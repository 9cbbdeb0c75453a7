#include "device.h"
struct alignas(16) Four { float x, y, z, w; };
KERNEL copy4(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (4 * i < n) {
    Four v = ((const Four*)a)[i], w = ((const Four*)b)[i];
    ((Four*)c)[i] = {v.x + w.w, v.y + w.z, v.z + w.y, v.w + w.x};
  }
}
