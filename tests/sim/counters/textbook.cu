// Kernels whose figures every textbook has.
extern "C" __global__ void saxpy(float a, const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}

extern "C" __global__ void stride32(const float* x, float* y, int n) {
  int i = threadIdx.x;
  y[32 * i] = x[i];
}

extern "C" __global__ void vector4(const float4* x, float4* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}

template <int width>
__device__ void transpose(const float* x, float* y) {
  __shared__ float tile[32][width];
  for (int row = threadIdx.y; row < 32; row += 8) tile[row][threadIdx.x] = x[row * 32 + threadIdx.x];
  __syncthreads();
  for (int row = threadIdx.y; row < 32; row += 8) y[row * 32 + threadIdx.x] = tile[threadIdx.x][row];
}
extern "C" __global__ void transpose_plain(const float* x, float* y, int n) { transpose<32>(x, y); }
extern "C" __global__ void transpose_padded(const float* x, float* y, int n) { transpose<33>(x, y); }

// A tile of 16 x 64 halves; ldmatrix.x4 reads 16 rows of 16 bytes, 128 bytes apart.
template <bool swizzle>
__device__ void tile(const unsigned* x, unsigned* y) {
  __shared__ __align__(128) unsigned s[16 * 32];
  int lane = threadIdx.x;
  for (int i = lane; i < 16 * 32; i += 32) {
    int row = i / 32, chunk = i % 32 / 4;
    s[row * 32 + (swizzle ? chunk ^ row % 8 : chunk) * 4 + i % 4] = x[i];
  }
  __syncthreads();
  unsigned sum = 0;
  for (int k = 0; k < 4; ++k) {
    int row = lane % 16, chunk = 2 * k + lane / 16;
    unsigned from = (unsigned)__cvta_generic_to_shared(s + row * 32 + (swizzle ? chunk ^ row % 8 : chunk) * 4), a, b, c, d;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(a), "=r"(b), "=r"(c), "=r"(d) : "r"(from));
    sum += a + b * 3 + c * 5 + d * 7;
  }
  y[lane] = sum;
}
extern "C" __global__ void mma_plain(const unsigned* x, unsigned* y, int n) { tile<false>(x, y); }
extern "C" __global__ void mma_swizzled(const unsigned* x, unsigned* y, int n) { tile<true>(x, y); }

extern "C" __global__ void diverging(const float* x, float* y, int n) {
  int i = threadIdx.x;
  float v = x[i];
  if (i % 2) {
    for (int k = 0; k < 50; ++k) v = v * 1.5f + 1;
  } else {
    for (int k = 0; k < 50; ++k) v = v * 0.5f - 1;
  }
  y[i] = v;
}
