/* Convolutions and networks as plain loops in C; plain.h says what they are put together from. */
#include "plain.h"

#include <math.h>
#include <stdlib.h>

/* out[T, N] = x[T, K] * w[K, N] + b, kept above 0 if `relu` */
static void dense(const float *restrict x, const float *restrict w, const float *restrict b,
                  float *restrict out, long T, long N, long K, int relu) {
  for (long t = 0; t < T; ++t) {
    float *restrict y = out + t * N;
    for (long n = 0; n < N; ++n) y[n] = b[n];
    for (long k = 0; k < K; ++k)
      for (long n = 0; n < N; ++n) y[n] += x[t * K + k] * w[k * N + n];
    for (long n = 0; relu && n < N; ++n) y[n] = y[n] > 0 ? y[n] : 0;
  }
}

/* One image; K by K, stride S, padding P. Input channel c reaches output o if c is in o's group. */
static void convolve(const float *restrict x, const float *restrict w, const float *restrict b,
                     float *restrict y, long C, long H, long W, long O, long K, long S, long P,
                     long groups) {
  const long OH = (H + 2 * P - K) / S + 1, OW = (W + 2 * P - K) / S + 1, in = C / groups;
  for (long o = 0; o < O; ++o) {
    float *restrict plane = y + o * OH * OW;
    for (long i = 0; i < OH * OW; ++i) plane[i] = b[o];
    for (long c = 0; c < in; ++c)
      for (long k = 0; k < K; ++k)
        for (long l = 0; l < K; ++l) {
          const float *restrict from = x + (o / (O / groups) * in + c) * H * W;
          const float weight = w[((o * in + c) * K + k) * K + l];
          /* The columns of the output for which column j * S + l - P lies inside. */
          const long first = l >= P ? 0 : (P - l + S - 1) / S;
          long end = (W - 1 - l + P) / S + 1;
          if (end > OW) end = OW;
          for (long i = 0; i < OH; ++i) {
            const long row = i * S + k - P;
            if (row < 0 || row >= H) continue;
            for (long j = first; j < end; ++j)
              plane[i * OW + j] += weight * from[row * W + j * S + l - P];
          }
        }
  }
}

void plain_conv(struct work *w) {
  const long *p = w->p;
  convolve(w->in[0], w->in[1], w->in[2], w->out, p[0], p[1], p[2], p[3], p[4], p[5], p[6], 1);
}

/* Several images, without a bias. */
void plain_conv_batch(struct work *w) {
  enum { kChannels = 512 };
  static const float none[kChannels];
  const long B = w->p[0], C = w->p[1], H = w->p[2], O = w->p[3], K = w->p[4];
  if (O > kChannels) exit(3);
  for (long n = 0; n < B; ++n)
    convolve(w->in[0] + n * C * H * H, w->in[1], none, w->out + n * O * H * H, C, H, H, O, K, 1, K / 2, 1);
}

void plain_depthwise(struct work *w) {
  const long *p = w->p;
  convolve(w->in[0], w->in[1], w->in[2], w->out, p[0], p[1], p[2], p[0], p[3], p[4], p[5], p[0]);
}

void plain_mlp(struct work *w) {
  static float h1[64 * 512], h2[64 * 256];
  float **in = w->in;
  const long B = w->p[0];
  if (B > 64) exit(3);
  dense(in[0], in[1], in[2], h1, B, 512, 784, 1);
  dense(h1, in[3], in[4], h2, B, 256, 512, 1);
  dense(h2, in[5], in[6], w->out, B, 10, 256, 0);
}

/* Rows of q, k, v, out lie `stride` floats apart; `causal`: row i sees rows up to i. */
static void attend(const float *q, const float *k, const float *v, float *out, long T, long D,
                   long stride, long out_stride, int causal) {
  static float score[4096];
  const float scale = 1 / sqrtf((float)D);
  for (long i = 0; i < T; ++i) {
    const long seen = causal ? i + 1 : T;
    float highest = -INFINITY, sum = 0;
    for (long j = 0; j < seen; ++j) {
      float s = 0;
      for (long d = 0; d < D; ++d) s += q[i * stride + d] * k[j * stride + d];
      score[j] = s * scale;
      highest = score[j] > highest ? score[j] : highest;
    }
    for (long j = 0; j < seen; ++j) sum += score[j] = expf(score[j] - highest);
    float *restrict y = out + i * out_stride;
    for (long d = 0; d < D; ++d) y[d] = 0;
    for (long j = 0; j < seen; ++j) {
      const float weight = score[j] / sum;
      for (long d = 0; d < D; ++d) y[d] += weight * v[j * stride + d];
    }
  }
}

void plain_attention(struct work *w) {
  const long H = w->p[0], T = w->p[1], D = w->p[2];
  for (long h = 0; h < H; ++h) {
    const long at = h * T * D;
    attend(w->in[0] + at, w->in[1] + at, w->in[2] + at, w->out + at, T, D, D, D, 0);
  }
}

static void norm(const float *restrict x, const float *restrict gain, const float *restrict bias,
                 float *restrict y, long rows, long columns) {
  for (long r = 0; r < rows; ++r, x += columns, y += columns) {
    float mean = 0, variance = 0;
    for (long i = 0; i < columns; ++i) mean += x[i];
    mean /= columns;
    for (long i = 0; i < columns; ++i) variance += (x[i] - mean) * (x[i] - mean);
    const float scale = 1 / sqrtf(variance / columns + 1e-5f);
    for (long i = 0; i < columns; ++i) y[i] = (x[i] - mean) * scale * gain[i] + bias[i];
  }
}

/* Its sizes are constants where they are GPT-2's, which compilers like. */
static inline __attribute__((always_inline)) void gpt2_block(struct work *w, long T, long D, long H) {
  enum { kMost = 128 * 768 };
  static float normed[kMost], qkv[3 * kMost], heads[kMost], hidden[kMost], wide[4 * kMost];
  if (T * D > kMost) exit(3);
  const long E = D / H;
  float **in = w->in;
  norm(in[0], in[1], in[2], normed, T, D);
  dense(normed, in[3], in[4], qkv, T, 3 * D, D, 0);
  for (long h = 0; h < H; ++h) {
    const float *q = qkv + h * E;
    attend(q, q + D, q + 2 * D, heads + h * E, T, E, 3 * D, D, 1);
  }
  dense(heads, in[5], in[6], hidden, T, D, D, 0);
  for (long i = 0; i < T * D; ++i) hidden[i] += in[0][i];
  norm(hidden, in[7], in[8], normed, T, D);
  dense(normed, in[9], in[10], wide, T, 4 * D, D, 0);
  for (long i = 0; i < T * 4 * D; ++i) {
    const float v = wide[i];
    wide[i] = 0.5f * v * (1 + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
  }
  dense(wide, in[11], in[12], w->out, T, D, 4 * D, 0);
  for (long i = 0; i < T * D; ++i) w->out[i] += hidden[i];
}

void plain_gpt2_block(struct work *w) {
  const long *p = w->p;
  if (p[0] == 128 && p[1] == 768 && p[2] == 12) gpt2_block(w, 128, 768, 12);
  else gpt2_block(w, p[0], p[1], p[2]);
}

/* ---- ResNet-18: its inputs are x, then weights and bias of each convolution in order; the image has p[0] by p[0]
 * pixels, a multiple of 32. */

enum { kLargest = 64 * 112 * 112 };

static void add_relu(float *restrict y, const float *restrict x, long count) {
  for (long i = 0; i < count; ++i) {
    const float v = y[i] + (x != NULL ? x[i] : 0);
    y[i] = v > 0 ? v : 0;
  }
}

static void max_pool(const float *x, float *y, long C, long H) {
  const long OH = (H - 1) / 2 + 1;
  for (long c = 0; c < C; ++c)
    for (long i = 0; i < OH; ++i)
      for (long j = 0; j < OH; ++j) {
        float highest = -INFINITY;
        for (long k = i * 2 - 1; k <= i * 2 + 1; ++k)
          for (long l = j * 2 - 1; l <= j * 2 + 1; ++l)
            if (k >= 0 && k < H && l >= 0 && l < H && x[(c * H + k) * H + l] > highest)
              highest = x[(c * H + k) * H + l];
        y[(c * OH + i) * OH + j] = highest;
      }
}

void plain_resnet18(struct work *w) {
  static float a[kLargest], b[kLargest], c[kLargest];
  float **in = w->in;
  const long side = w->p[0];
  long at = 1, C = 64, H = side / 4;
  if (side > 224) exit(3);
  convolve(in[0], in[1], in[2], a, 3, side, side, 64, 7, 2, 3, 1);
  add_relu(a, NULL, 64 * side / 2 * side / 2);
  max_pool(a, b, 64, side / 2);
  at = 3;
  float *x = b, *y = a, *z = c;
  for (int block = 0; block < 8; ++block) {
    const int halves = block % 2 == 0 && block > 0;
    const long O = halves ? 2 * C : C, S = halves ? 2 : 1, OH = H / S;
    convolve(x, in[at], in[at + 1], y, C, H, H, O, 3, S, 1, 1);
    add_relu(y, NULL, O * OH * OH);
    convolve(y, in[at + 2], in[at + 3], z, O, OH, OH, O, 3, 1, 1, 1);
    at += 4;
    if (halves) {
      convolve(x, in[at], in[at + 1], y, C, H, H, O, 1, 2, 0, 1);
      at += 2;
    }
    add_relu(z, halves ? y : x, O * OH * OH);
    float *const old = x;
    x = z;
    z = old;
    C = O;
    H = OH;
  }
  static float mean[512];
  for (long o = 0; o < 512; ++o) {
    mean[o] = 0;
    for (long i = 0; i < H * H; ++i) mean[o] += x[o * H * H + i];
    mean[o] /= H * H;
  }
  dense(mean, in[at], in[at + 1], w->out, 1, 1000, 512, 0);
}
