#include "device.h"
// c = a b of 16 x 16, in f16 on the tensor cores: two mma.m16n8k16, A by ldmatrix, by one warp.
KERNEL tensor(const float* a, const float* b, float* c, int n) {
  __shared__ __align__(16) unsigned short as[16 * 16], bs[16 * 16];
  int lane = threadIdx.x;
  for (int i = lane; i < 256; i += 32) {
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(as[i]) : "f"(a[i]));
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bs[i]) : "f"(b[i]));
  }
  __syncthreads();
  unsigned fa[4], fb[2], at = (unsigned)__cvta_generic_to_shared(as + (lane % 16) * 16 + lane / 16 * 8);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(fa[0]), "=r"(fa[1]), "=r"(fa[2]), "=r"(fa[3]) : "r"(at));
  for (int half = 0; half < 2; ++half) {
    unsigned from = (unsigned)__cvta_generic_to_shared(bs + (lane % 16) * 16 + half * 8);
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];" : "=r"(fb[0]), "=r"(fb[1]) : "r"(from));
    float d[4] = {};
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]));
#else
    for (int k = 0; k < 2; ++k) {
      asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                   : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(fa[2 * k]), "r"(fa[2 * k + 1]), "r"(fb[k]));
    }
#endif
    int row = lane / 4, column = half * 8 + lane % 4 * 2;
    c[row * 16 + column] = d[0], c[row * 16 + column + 1] = d[1];
    c[(row + 8) * 16 + column] = d[2], c[(row + 8) * 16 + column + 1] = d[3];
  }
}
