/* The model of examples/llama as plain loops in C: p[0] given tokens, one after the other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"

enum { kDim = 64, kLayers = 5, kHeads = 8, kKeyHeads = 4, kSize = kDim / kHeads, kKeys = kKeyHeads * kSize,
       kHidden = 172, kVocabulary = 512, kSteps = 256 };

static float keys[kLayers][kSteps][kKeys], values[kLayers][kSteps][kKeys];

static void rms_norm(const float *restrict x, const float *restrict gain, float *restrict y) {
  float square = 0;
  for (int i = 0; i < kDim; ++i) square += x[i] * x[i];
  const float scale = 1 / sqrtf(square / kDim + 1e-5f);
  for (int i = 0; i < kDim; ++i) y[i] = x[i] * scale * gain[i];
}

/* y[N] = x[K] * w[K, N] */
static void apply(const float *restrict x, const float *restrict w, float *restrict y, int K, int N) {
  for (int n = 0; n < N; ++n) y[n] = 0;
  for (int k = 0; k < K; ++k)
    for (int n = 0; n < N; ++n) y[n] += x[k] * w[k * N + n];
}

static void rotate(float *x, int heads, int position) {
  for (int i = 0; i < kSize; i += 2) {
    const float angle = position * powf(10000, -(float)i / kSize), c = cosf(angle), s = sinf(angle);
    for (int h = 0; h < heads; ++h) {
      float *pair = x + h * kSize + i;
      const float a = pair[0], b = pair[1];
      pair[0] = a * c - b * s;
      pair[1] = a * s + b * c;
    }
  }
}

static void attend(const float *query, int layer, int position, float *out) {
  float weight[kSteps];
  for (int h = 0; h < kHeads; ++h) {
    const float *q = query + h * kSize;
    const int at = h * kKeyHeads / kHeads * kSize;
    float top = -INFINITY, total = 0, *y = out + h * kSize;
    for (int t = 0; t <= position; ++t) {
      float score = 0;
      for (int d = 0; d < kSize; ++d) score += q[d] * keys[layer][t][at + d];
      weight[t] = score / sqrtf(kSize);
      top = weight[t] > top ? weight[t] : top;
    }
    for (int t = 0; t <= position; ++t) total += weight[t] = expf(weight[t] - top);
    for (int d = 0; d < kSize; ++d) y[d] = 0;
    for (int t = 0; t <= position; ++t)
      for (int d = 0; d < kSize; ++d) y[d] += weight[t] / total * values[layer][t][at + d];
  }
}

/* The inputs in the order of struct Llama. */
static void step(float *const *in, int token, int position, float *logits) {
  float x[kDim], a[kDim], q[kDim], mixed[kDim], added[kDim], gate[kHidden], up[kHidden];
  memcpy(x, in[0] + token * kDim, sizeof x);
  for (int l = 0; l < kLayers; ++l) {
    float *k = keys[l][position];
    rms_norm(x, in[1] + l * kDim, a);
    apply(a, in[2] + l * kDim * kDim, q, kDim, kDim);
    apply(a, in[3] + l * kDim * kKeys, k, kDim, kKeys);
    apply(a, in[4] + l * kDim * kKeys, values[l][position], kDim, kKeys);
    rotate(q, kHeads, position);
    rotate(k, kKeyHeads, position);
    attend(q, l, position, mixed);
    apply(mixed, in[5] + l * kDim * kDim, added, kDim, kDim);
    for (int i = 0; i < kDim; ++i) x[i] += added[i];
    rms_norm(x, in[6] + l * kDim, a);
    apply(a, in[7] + l * kDim * kHidden, gate, kDim, kHidden);
    apply(a, in[9] + l * kDim * kHidden, up, kDim, kHidden);
    for (int i = 0; i < kHidden; ++i) gate[i] *= up[i] / (1 + expf(-gate[i]));
    apply(gate, in[8] + l * kHidden * kDim, added, kHidden, kDim);
    for (int i = 0; i < kDim; ++i) x[i] += added[i];
  }
  rms_norm(x, in[10], a);
  for (int n = 0; n < kVocabulary; ++n) {
    float sum = 0;
    for (int d = 0; d < kDim; ++d) sum += a[d] * in[0][n * kDim + d];
    logits[n] = sum;
  }
}

void plain_llama(struct work *w) {
  if (w->p[0] > kSteps) exit(3);
  for (int position = 0; position < w->p[0]; ++position)
    step(w->in, position * 7 % kVocabulary, position, w->out);
}
