#include "device.h"
// Sorts 256 numbers with 128 threads.
KERNEL bitonic(const float* a, const float* b, float* c, int n) {
  __shared__ float s[256];
  for (int i = threadIdx.x; i < 256; i += 128) s[i] = a[i];
  for (int size = 2; size <= 256; size *= 2) {
    for (int step = size / 2; step > 0; step /= 2) {
      __syncthreads();
      int low = 2 * threadIdx.x - (threadIdx.x & (step - 1)), high = low + step;
      bool up = (low & size) == 0;
      if ((s[low] > s[high]) == up) {
        float t = s[low];
        s[low] = s[high];
        s[high] = t;
      }
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += 128) c[i] = s[i];
}
