#include "device.h"
// Each thread computes 4 x 4 elements.
KERNEL matmul_registers(const float* a, const float* b, float* c, int n) {
  float sum[4][4] = {};
  int i = threadIdx.y * 4, j = threadIdx.x * 4;
  for (int k = 0; k < 16; ++k) {
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 4; ++x) sum[y][x] += a[(i + y) * 16 + k] * b[k * 16 + j + x];
    }
  }
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 4; ++x) c[(i + y) * 16 + j + x] = sum[y][x];
  }
}
