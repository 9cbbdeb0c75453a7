// The last element of shared memory is read, and never written.
extern "C" __global__ void broken(const float* x, float* y, int n) {
  __shared__ float s[65];
  int t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  y[t] = s[t] + s[t + 1];  // uninitialized_memory: s[64]
}

extern "C" __global__ void mended(const float* x, float* y, int n) {
  __shared__ float s[65];
  int t = threadIdx.x;
  s[t] = x[t];
  if (t == 0) s[64] = 0;
  __syncthreads();
  y[t] = s[t] + s[t + 1];
}
