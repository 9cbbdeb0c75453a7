/* Plain loops in C, as anybody would write them: what a compiler makes of them. */
#include "plain.h"

#include <math.h>
#include <stddef.h>

/* out[M, N] = a[M, K] * b[K, N] */
static void product(struct work *w) {
  const long M = w->p[0], N = w->p[1], K = w->p[2];
  const float *restrict a = w->in[0], *restrict b = w->in[1];
  float *restrict out = w->out;
  for (long i = 0; i < M; ++i) {
    for (long j = 0; j < N; ++j) out[i * N + j] = 0;
    for (long k = 0; k < K; ++k)
      for (long j = 0; j < N; ++j) out[i * N + j] += a[i * K + k] * b[k * N + j];
  }
}

static void axpy(struct work *w) {
  const float *restrict x = w->in[0], *restrict y = w->in[1];
  for (long i = 0; i < w->p[0]; ++i) w->out[i] = 2.5f * x[i] + y[i];
}

static void softmax(struct work *w) {
  const long rows = w->p[0], columns = w->p[1];
  for (long r = 0; r < rows; ++r) {
    const float *restrict x = w->in[0] + r * columns;
    float *restrict y = w->out + r * columns;
    float highest = x[0], sum = 0;
    for (long i = 1; i < columns; ++i) highest = x[i] > highest ? x[i] : highest;
    for (long i = 0; i < columns; ++i) sum += y[i] = expf(x[i] - highest);
    for (long i = 0; i < columns; ++i) y[i] /= sum;
  }
}

static void layer_norm(struct work *w) {
  const long rows = w->p[0], columns = w->p[1];
  const float *restrict gain = w->in[1], *restrict bias = w->in[2];
  for (long r = 0; r < rows; ++r) {
    const float *restrict x = w->in[0] + r * columns;
    float *restrict y = w->out + r * columns;
    float mean = 0, variance = 0;
    for (long i = 0; i < columns; ++i) mean += x[i];
    mean /= columns;
    for (long i = 0; i < columns; ++i) variance += (x[i] - mean) * (x[i] - mean);
    const float scale = 1 / sqrtf(variance / columns + 1e-5f);
    for (long i = 0; i < columns; ++i) y[i] = (x[i] - mean) * scale * gain[i] + bias[i];
  }
}

static void sum(struct work *w) {
  const float *restrict x = w->in[0];
  float all = 0;
  for (long i = 0; i < w->p[0]; ++i) all += x[i];
  w->out[0] = all;
}

/* gelu(x[i, j] * scale[j] + shift[j]) */
static void gelu_tanh(struct work *w) {
  const long rows = w->p[0], columns = w->p[1];
  const float *restrict scale = w->in[1], *restrict shift = w->in[2];
  for (long r = 0; r < rows; ++r) {
    const float *restrict x = w->in[0] + r * columns;
    float *restrict y = w->out + r * columns;
    for (long i = 0; i < columns; ++i) {
      const float v = x[i] * scale[i] + shift[i];
      y[i] = 0.5f * v * (1 + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
    }
  }
}

static void gelu_erf(struct work *w) {
  const long rows = w->p[0], columns = w->p[1];
  const float *restrict scale = w->in[1], *restrict shift = w->in[2];
  for (long r = 0; r < rows; ++r) {
    const float *restrict x = w->in[0] + r * columns;
    float *restrict y = w->out + r * columns;
    for (long i = 0; i < columns; ++i) {
      const float v = x[i] * scale[i] + shift[i];
      y[i] = 0.5f * v * (1 + erff(v * 0.7071067812f));
    }
  }
}

static const struct {
  const char *kind;
  run_function run;
} kRuns[] = {{"product", product},     {"softmax", softmax},     {"layer_norm", layer_norm},
             {"sum", sum},             {"gelu_tanh", gelu_tanh}, {"gelu_erf", gelu_erf},
             {"conv", plain_conv},     {"depthwise", plain_depthwise},
             {"mlp", plain_mlp},       {"attention", plain_attention},
             {"gpt2_block", plain_gpt2_block}, {"resnet18", plain_resnet18},
             {"llama", plain_llama},
             {"axpy", axpy},           {"conv_batch", plain_conv_batch},
             /* In f32 all the same: what rounding changes lies within their tolerance. */
             {"product_f16", product}, {"product_bf16", product}};

run_function prepare(struct work *work) {
  for (unsigned i = 0; i < sizeof kRuns / sizeof *kRuns; ++i)
    if (is_kind(work, kRuns[i].kind)) return kRuns[i].run;
  return NULL;
}
