#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { N = 500, TURNS = 10 };

static double a(int64_t i, int64_t j) {
  return 1.0 / (double)((i + j) * (i + j + 1) / 2 + i + 1);
}

static void times(const double v[N], double u[N]) {
  for (int64_t i = 0; i < N; ++i) {
    double sum = 0.0;
    for (int64_t j = 0; j < N; ++j) sum += a(i, j) * v[j];
    u[i] = sum;
  }
}

static void transposed_times(const double v[N], double u[N]) {
  for (int64_t i = 0; i < N; ++i) {
    double sum = 0.0;
    for (int64_t j = 0; j < N; ++j) sum += a(j, i) * v[j];
    u[i] = sum;
  }
}

int main(void) {
  static double u[N], v[N], w[N];
  for (int64_t i = 0; i < N; ++i) u[i] = 1.0;
  for (int64_t turn = 0; turn < TURNS; ++turn) {
    times(u, w);
    transposed_times(w, v);
    times(v, w);
    transposed_times(w, u);
  }
  double uv = 0.0, vv = 0.0;
  for (int64_t i = 0; i < N; ++i) {
    uv += u[i] * v[i];
    vv += v[i] * v[i];
  }
  printf("%.17g\n", sqrt(uv / vv));
  return 0;
}
