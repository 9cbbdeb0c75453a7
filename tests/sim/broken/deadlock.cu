// One warp waits at one barrier, the other at another.
extern "C" __global__ void broken(const float* x, float* y, int n) {
  int t = threadIdx.x;
  if (t < 32) {
    asm volatile("bar.sync 1, 64;");  // deadlock: the other warp waits at barrier 2
  } else {
    asm volatile("bar.sync 2, 64;");
  }
  y[t] = x[t];
}

extern "C" __global__ void mended(const float* x, float* y, int n) {
  int t = threadIdx.x;
  if (t < 32) {
    asm volatile("bar.sync 1, 64;");
  } else {
    asm volatile("bar.sync 1, 64;");
  }
  y[t] = x[t];
}
