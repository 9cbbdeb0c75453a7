#include "device.h"
KERNEL matmul_tiled(const float* a, const float* b, float* c, int n) {
  __shared__ float at[8][8], bt[8][8];
  int ty = threadIdx.y, tx = threadIdx.x, i = blockIdx.y * 8 + ty, j = blockIdx.x * 8 + tx;
  float sum = 0;
  for (int k = 0; k < 16; k += 8) {
    at[ty][tx] = a[i * 16 + k + tx];
    bt[ty][tx] = b[(k + ty) * 16 + j];
    __syncthreads();
    for (int q = 0; q < 8; ++q) sum += at[ty][q] * bt[q][tx];
    __syncthreads();
  }
  c[i * 16 + j] = sum;
}
