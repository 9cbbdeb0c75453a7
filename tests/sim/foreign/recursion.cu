#include "device.h"
__device__ __noinline__ int steps(int n, int depth) {
  if (n <= 1 || depth > 30) return depth;
  return n % 2 ? steps(3 * n + 1, depth + 1) : steps(n / 2, depth + 1) + 1;
}
KERNEL recursion(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  c[i] = (float)steps(i % 40 + 1, 0);
}
