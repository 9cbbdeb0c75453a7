#include "device.h"
// Sums, least and greatest of each block of 64 by atomics of several kinds.
KERNEL atomics(const float* a, const float* b, float* c, int n) {
  __shared__ int least, most, bits, count;
  __shared__ unsigned turn;
  __shared__ float sum;
  int t = threadIdx.x, i = blockIdx.x * 64 + t, x = (int)(a[i] * 100);
  if (t == 0) least = 1 << 20, most = -(1 << 20), bits = 0, sum = 0, turn = 0, count = 0;
  __syncthreads();
  atomicMin(&least, x);
  atomicMax(&most, x);
  atomicOr(&bits, 1 << (i % 20));
  atomicAdd(&sum, b[i]);
  atomicInc(&turn, 9);
  int seen = atomicAdd(&count, 0);
  while (true) {  // one more, by compare and swap
    int found = atomicCAS(&count, seen, seen + 1);
    if (found == seen) break;
    seen = found;
  }
  __syncthreads();
  c[i] = (float)least + (float)most * 2 + (float)bits * 0.5f + sum + (float)turn + (float)count;
}
