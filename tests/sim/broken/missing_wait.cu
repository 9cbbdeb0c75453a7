// Reads shared memory into which an asynchronous copy may still be on its way.
extern "C" __global__ void broken(const float* x, float* y, int n) {
  __shared__ __align__(16) float s[64];
  int t = threadIdx.x;
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"((unsigned)__cvta_generic_to_shared(s + t)), "l"(x + t));
  asm volatile("cp.async.commit_group;");
  __syncthreads();
  y[t] = s[63 - t];  // missing_wait: no cp.async.wait_group before the barrier
}

extern "C" __global__ void mended(const float* x, float* y, int n) {
  __shared__ __align__(16) float s[64];
  int t = threadIdx.x;
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"((unsigned)__cvta_generic_to_shared(s + t)), "l"(x + t));
  asm volatile("cp.async.commit_group;");
  asm volatile("cp.async.wait_group 0;" ::: "memory");
  __syncthreads();
  y[t] = s[63 - t];
}
