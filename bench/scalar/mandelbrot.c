#include <inttypes.h>
#include <stdio.h>

enum { SIZE = 400, LIMIT = 100 };

static int64_t steps(double x, double y) {
  double a = 0.0, b = 0.0;
  int64_t n = 0;
  while (n < LIMIT && a * a + b * b <= 4.0) {
    const double next = a * a - b * b + x;
    b = 2.0 * a * b + y;
    a = next;
    n += 1;
  }
  return n;
}

int main(void) {
  int64_t inside = 0, total = 0;
  for (int64_t row = 0; row < SIZE; ++row) {
    for (int64_t column = 0; column < SIZE; ++column) {
      const int64_t n =
          steps(3.0 * (double)column / SIZE - 2.0, 3.0 * (double)row / SIZE - 1.5);
      if (n == LIMIT) inside += 1;
      total += n;
    }
  }
  printf("%" PRId64 " %" PRId64 "\n", inside, total);
  return 0;
}
