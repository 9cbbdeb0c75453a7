// A barrier that half of each warp comes to.
extern "C" __global__ void broken(const float* x, float* y, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  s[t] = x[t];
  if (t % 2 == 0) {
    s[t] *= 2;
    __syncthreads();  // divergent_barrier: the odd lanes are elsewhere
    s[t] += s[(t + 2) % 64];
  }
  __syncthreads();
  y[t] = s[t];
}

extern "C" __global__ void mended(const float* x, float* y, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  s[t] = x[t];
  if (t % 2 == 0) s[t] *= 2;
  __syncthreads();
  float more = t % 2 == 0 ? s[(t + 2) % 64] : 0;
  __syncthreads();
  s[t] += more;
  y[t] = s[t];
}
