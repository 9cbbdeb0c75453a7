#include "device.h"
KERNEL transpose(const float* a, const float* b, float* c, int n) {
  __shared__ float tile[16][17];
  tile[threadIdx.y][threadIdx.x] = a[threadIdx.y * 16 + threadIdx.x];
  __syncthreads();
  c[threadIdx.y * 16 + threadIdx.x] = tile[threadIdx.x][threadIdx.y];
}
