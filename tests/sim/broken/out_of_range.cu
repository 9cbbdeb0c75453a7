// The last thread's right neighbour is outside.
extern "C" __global__ void broken(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float left = x[i];
  y[i] = left + x[i + 1];  // out_of_bounds: by the thread of the last element
}

extern "C" __global__ void mended(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float left = x[i];
  y[i] = left + (i + 1 < n ? x[i + 1] : 0);
}
