// The functions of scalar_ops.def that the C library computes. Each stands here alone and out of
// line: a compiler that saw a constant argument would fold it with better rounding than the
// library's, and engines would differ in the last bit.
#include <cmath>

#include "runtime/abi.h"

// clang-format off
#define TN_DEFINE(name)                                   \
  float tn_##name##_f32(float a) { return std::name(a); } \
  double tn_##name##_f64(double a) { return std::name(a); }
TN_MATH(TN_DEFINE)
#undef TN_DEFINE

float tn_pow_f32(float a, float b) { return std::pow(a, b); }
double tn_pow_f64(double a, double b) { return std::pow(a, b); }
