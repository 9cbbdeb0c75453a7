#include "device.h"
KERNEL votes(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  unsigned positive = __ballot_sync(~0u, a[i] > 0);
  int all = __all_sync(~0u, b[i] > -3.5f), any = __any_sync(~0u, b[i] > 3.5f);
  unsigned same = __match_any_sync(~0u, (int)a[i]);
  c[i] = (float)(__popc(positive) + 100 * all + 200 * any + 1000 * __popc(same)) + (float)(__ffs(same) + (positive >> 31));
}
