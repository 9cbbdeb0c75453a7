#include "device.h"
__device__ float table[8] = {1, 2, 4, 8, 16, 32, 64, 128};
__device__ int calls;
__device__ float* pointers[2] = {table, table + 4};
KERNEL globals(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&calls, 1);
  c[i] = a[i] * pointers[i % 2][i / 2 % 4] + table[i % 8];
}
