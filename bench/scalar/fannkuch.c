#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { N = 9 };

int main(void) {
  int64_t order[N], turns[N];
  for (int64_t i = 0; i < N; ++i) order[i] = i;
  int64_t most = 0, checksum = 0, depth = N;
  bool even = true;
  for (;;) {
    while (depth != 1) {
      turns[depth - 1] = depth;
      depth -= 1;
    }
    int64_t p[N];
    memcpy(p, order, sizeof p);
    int64_t flips = 0;
    while (p[0] != 0) {
      int64_t lo = 0, hi = p[0];
      while (lo < hi) {
        const int64_t other = p[lo];
        p[lo] = p[hi];
        p[hi] = other;
        lo += 1;
        hi -= 1;
      }
      flips += 1;
    }
    most = most > flips ? most : flips;
    checksum += even ? flips : -flips;
    even = !even;
    for (;;) {
      if (depth == N) {
        printf("%" PRId64 " %" PRId64 "\n", checksum, most);
        return 0;
      }
      const int64_t first = order[0];
      for (int64_t i = 0; i < depth; ++i) order[i] = order[i + 1];
      order[depth] = first;
      turns[depth] -= 1;
      if (turns[depth] > 0) break;
      depth += 1;
    }
  }
}
