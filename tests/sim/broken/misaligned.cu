// Four numbers at once, from an address that is no multiple of 16.
extern "C" __global__ void broken(const float* x, float* y, int n) {
  int i = threadIdx.x;
  if (i < 16) {
    float4 v = *(const float4*)(x + 4 * i + 1);  // misaligned: x + 1 is a multiple of 4 only
    y[i] = v.x + v.y + v.z + v.w;
  }
}

extern "C" __global__ void mended(const float* x, float* y, int n) {
  int i = threadIdx.x;
  if (i < 16) {
    float4 v = *(const float4*)(x + 4 * i);
    y[i] = v.x + v.y + v.z + v.w;
  }
}
