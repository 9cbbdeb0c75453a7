// The mask names all lanes, but only half of them are here.
extern "C" __global__ void broken(const float* x, float* y, int n) {
  int t = threadIdx.x;
  float v = x[t];
  if (t % 32 < 16) {
    v += x[t + 1] * x[t + 2];
    v += __shfl_down_sync(0xffffffff, v, 8);  // wrong_lanes: lanes 16 to 31 do not come
    y[t] = v;
  }
}

extern "C" __global__ void mended(const float* x, float* y, int n) {
  int t = threadIdx.x;
  float v = x[t];
  if (t % 32 < 16) {
    v += x[t + 1] * x[t + 2];
    v += __shfl_down_sync(0x0000ffff, v, 8, 16);
    y[t] = v;
  }
}
