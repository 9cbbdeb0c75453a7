#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 2000 };

static int32_t min(int32_t a, int32_t b) { return a < b ? a : b; }

static void letters(int64_t seed, int8_t text[N]) {
  int64_t state = seed;
  for (int64_t i = 0; i < N; ++i) {
    state = (state * 1103515245 + 12345) % 2147483648;
    text[i] = (int8_t)(state / 65536 % 4);
  }
}

static int32_t distance(const int8_t a[N], const int8_t b[N]) {
  int32_t(*d)[N + 1] = calloc(N + 1, sizeof *d);
  for (int64_t i = 0; i < N + 1; ++i) d[i][0] = (int32_t)i;
  for (int64_t j = 0; j < N + 1; ++j) d[0][j] = (int32_t)j;
  for (int64_t i = 1; i < N + 1; ++i) {
    for (int64_t j = 1; j < N + 1; ++j) {
      const int32_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      const int32_t other = min(d[i - 1][j], d[i][j - 1]) + 1;
      d[i][j] = min(replaced, other);
    }
  }
  const int32_t result = d[N][N];
  free(d);
  return result;
}

int main(void) {
  static int8_t a[N], b[N];
  letters(1, a);
  letters(2, b);
  printf("%" PRId32 "\n", distance(a, b));
  return 0;
}
