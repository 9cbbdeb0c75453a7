#include <cuda_bf16.h>
#include "device.h"
KERNEL bfloats(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  __nv_bfloat16 x = __float2bfloat16(a[i] * 1.01f), y = __float2bfloat16(b[i]);
  c[i] = __bfloat162float(__hfma(x, y, x)) + __bfloat162float(__hadd(x, y)) + __bfloat162float(__hmax(x, y));
}
