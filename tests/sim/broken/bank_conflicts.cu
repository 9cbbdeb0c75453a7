// Columns of a tile of 32 x 32: all lanes of a warp go to one bank.
extern "C" __global__ void broken(const float* x, float* y, int n) {
  __shared__ float tile[32][32];
  int t = threadIdx.x % 32, w = threadIdx.x / 32;
  for (int row = w; row < 32; row += 2) tile[row][t] = x[(row * 32 + t) % n];
  __syncthreads();
  y[threadIdx.x] = tile[t][w];  // banks: 32 wavefronts where 1 would do
}

extern "C" __global__ void mended(const float* x, float* y, int n) {
  __shared__ float tile[32][33];
  int t = threadIdx.x % 32, w = threadIdx.x / 32;
  for (int row = w; row < 32; row += 2) tile[row][t] = x[(row * 32 + t) % n];
  __syncthreads();
  y[threadIdx.x] = tile[t][w];
}
