#include <inttypes.h>
#include <stdio.h>

enum { N = 240 };

static void product(double a[N][N], double b[N][N], double c[N][N]) {
  for (int64_t i = 0; i < N; ++i) {
    for (int64_t j = 0; j < N; ++j) {
      double sum = 0.0;
      for (int64_t k = 0; k < N; ++k) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
}

int main(void) {
  static double a[N][N], b[N][N], c[N][N];
  for (int64_t i = 0; i < N; ++i) {
    for (int64_t j = 0; j < N; ++j) {
      a[i][j] = (double)((i * 7 + j * 3) % 11);
      b[i][j] = (double)((i * 5 + j * 2) % 13);
    }
  }
  product(a, b, c);
  double trace = 0.0;
  for (int64_t i = 0; i < N; ++i) trace += c[i][i];
  printf("%.1f\n", trace);
  return 0;
}
