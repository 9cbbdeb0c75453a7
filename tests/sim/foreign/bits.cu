#include "device.h"
KERNEL bits(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  unsigned x = __float_as_uint(a[i]) * 2654435761u, y = __float_as_uint(b[i]);
  unsigned r = __byte_perm(x, y, 0x3715) ^ __brev(x) ^ __funnelshift_l(x, y, i) ^ __funnelshift_r(x, y, i) ^ __umulhi(x, y);
  r ^= (x & y) | (~x & (y ^ 0x55u)) | (unsigned)__ffs(y) | __usad(x, y, 3) | (unsigned)__mulhi((int)x, (int)y);
  c[i] = (float)(r & 0xffff);
}
