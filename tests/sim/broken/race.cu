// Sums neighbours; the next step overwrites what others still read.
extern "C" __global__ void broken(const float* x, float* y, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  for (int step = 0; step < 3; ++step) {
    float sum = s[t] + s[(t + 33) % 64];
    s[t] = sum;  // race: read by another thread in the line above
    __syncthreads();
  }
  y[t] = s[t];
}

extern "C" __global__ void mended(const float* x, float* y, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  for (int step = 0; step < 3; ++step) {
    float sum = s[t] + s[(t + 33) % 64];
    __syncthreads();
    s[t] = sum;
    __syncthreads();
  }
  y[t] = s[t];
}
