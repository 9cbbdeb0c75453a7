#include <inttypes.h>
#include <stdio.h>

enum { N = 300000 };

static int64_t way(int64_t start) {
  int64_t n = start, steps = 0;
  while (n != 1) {
    if (n % 2 == 0)
      n = n / 2;
    else
      n = 3 * n + 1;
    steps += 1;
  }
  return steps;
}

int main(void) {
  int64_t best = 0, longest = 0;
  for (int64_t start = 1; start < N; ++start) {
    const int64_t steps = way(start);
    if (steps > longest) {
      longest = steps;
      best = start;
    }
  }
  printf("%" PRId64 " %" PRId64 "\n", best, longest);
  return 0;
}
