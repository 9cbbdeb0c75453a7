#include <cuda_fp16.h>
#include "device.h"
KERNEL halves(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  __half x = __float2half(a[i]), y = __float2half(b[i]);
  __half2 p = __halves2half2(x, y), q = __halves2half2(y, __float2half(0.1f));
  __half2 r = __hfma2(p, q, __hmul2(p, p));
  c[i] = __half2float(__hadd(__low2half(r), __high2half(r))) + __half2float(__hfma(x, y, x)) + (__hgt(x, y) ? 1.0f : 0.0f);
}
