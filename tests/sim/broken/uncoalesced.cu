// Each lane stores into a sector of its own.
extern "C" __global__ void broken(const float* x, float* y, int n) {
  int t = threadIdx.x;
  if (t < 16) y[8 * t] = x[t];  // sectors: 16 lanes, 16 sectors
}

extern "C" __global__ void mended(const float* x, float* y, int n) {
  int t = threadIdx.x;
  if (t < 16) y[t] = x[t];
}
