#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 5000000 };

static int64_t count_primes(void) {
  bool* composite = calloc(N, sizeof *composite);
  int64_t count = 0;
  for (int64_t i = 2; i < N; ++i) {
    if (!composite[i]) {
      count += 1;
      for (int64_t j = i * i; j < N; j += i) composite[j] = true;
    }
  }
  free(composite);
  return count;
}

int main(void) {
  printf("%" PRId64 "\n", count_primes());
  return 0;
}
