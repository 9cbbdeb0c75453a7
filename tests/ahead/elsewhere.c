/* Calls elsewhere.tn on numbers that are exact, and prints sums of what comes out, rounded. */
#include "elsewhere.h"

#include <stdio.h>

static _Alignas(64) float x[33 * 70], w[70 * 50], b[50], y[33 * 50];

int main(void) {
  for (int i = 0; i < 33 * 70; ++i) x[i] = (float)(i % 13 - 6) / 8;
  for (int i = 0; i < 70 * 50; ++i) w[i] = (float)(i % 7 - 3) / 16;
  for (int i = 0; i < 50; ++i) b[i] = (float)(i % 3) / 4;
  if (layer(x, w, b, y, NULL) != 0) return 1;
  for (int i = 0; i < 33; i += 8) {
    double sum = 0, first = 0;
    for (int j = 0; j < 50; ++j) {
      sum += y[i * 50 + j];
      if (j < 5) first += y[i * 50 + j];
    }
    printf("%.4f %.4f\n", sum, first);
  }
  int64_t n;
  if (counted(1000, &n, NULL) != 0) return 1;
  printf("%lld\n", (long long)n);
  return 0;
}
