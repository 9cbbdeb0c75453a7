// CUDA for these kernels: nvcc has it, clang alone gets the little that they use.
#pragma once
#ifdef __clang__
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __noinline__ __attribute__((noinline))
#include <__clang_cuda_builtin_vars.h>
__device__ inline float __shfl_xor_sync(unsigned mask, float value, int lanes) {
  return __nvvm_shfl_sync_bfly_f32(mask, value, lanes, 31);
}
__device__ inline float __shfl_up_sync(unsigned mask, float value, int lanes) {
  return __nvvm_shfl_sync_up_f32(mask, value, lanes, 0);
}
__device__ inline float sqrtf(float x) { return __nvvm_sqrt_rn_f(x); }
__device__ inline float fmaxf(float x, float y) { return __nvvm_fmax_f(x, y); }
__device__ inline float power2(float x) { return __nvvm_ex2_approx_f(x); }
__device__ inline float atomicAdd(float* to, float value) { return __nvvm_atom_add_gen_f(to, value); }
__device__ inline int atomicAdd(int* to, int value) { return __nvvm_atom_add_gen_i(to, value); }
__device__ inline int __popc(unsigned x) { return __builtin_popcount(x); }
__device__ inline int __clz(int x) { return (x ? __builtin_clz(x) : 32); }
#else
__device__ inline float power2(float x) { return exp2f(x); }
#endif
#define KERNEL extern "C" __global__ void
