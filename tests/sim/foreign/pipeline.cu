#include "device.h"
// Copies ahead: while one stretch is summed, the next one is on its way.
KERNEL pipeline(const float* a, const float* b, float* c, int n) {
  __shared__ __align__(16) float s[2][64];
  int t = threadIdx.x;
  float sum = 0;
  for (int step = 0; step < 5; ++step) {
    if (step < 4) {
      unsigned to = (unsigned)__cvta_generic_to_shared(&s[step % 2][t * 4]);
      if (t < 16) {
#if __CUDA_ARCH__ >= 800
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(a + step * 64 + t * 4));
#else
        for (int k = 0; k < 4; ++k) s[step % 2][t * 4 + k] = a[step * 64 + t * 4 + k];
#endif
      }
#if __CUDA_ARCH__ >= 800
      asm volatile("cp.async.commit_group;");
#endif
    }
    if (step > 0) {
#if __CUDA_ARCH__ >= 800
      if (step < 4) asm volatile("cp.async.wait_group 1;" ::: "memory");
      else asm volatile("cp.async.wait_group 0;" ::: "memory");
#endif
      __syncthreads();
      sum += s[(step - 1) % 2][63 - t];
      __syncthreads();
    }
  }
  for (int i = 0; i < 4; ++i) c[i * 64 + t] = sum;
}
