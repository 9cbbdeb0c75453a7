/* Calls every function of library.tn: right results, tensors that lie anywhere, errors with places. */
#include "library.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int failures;
#define CHECK(holds)                                       \
  do {                                                     \
    if (!(holds)) {                                        \
      printf("line %d: not so: %s\n", __LINE__, #holds);   \
      ++failures;                                          \
    }                                                      \
  } while (0)

static const float kFive[5] = {1, 2, 3, 4, 5};

/* Tensors at every multiple of their element's size, so aligned ones too. */
static void dense_anywhere(void) {
  const float x[6] = {1, 2, 3, 4, 5, 6}, w[12] = {1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, -9};
  static float space[256];
  for (int offset = 0; offset < 32; ++offset) {
    float *px = space + offset, *pw = px + 33, *pb = pw + 17, *y = pb + 9;
    memcpy(px, x, sizeof x);
    memcpy(pw, w, sizeof w);
    for (int i = 0; i < 4; ++i) pb[i] = 0.5f;
    y[8] = 77;
    CHECK(dense(px, pw, pb, y, NULL) == 0);
    CHECK(y[0] == 1.5f && y[1] == 2.5f && y[2] == 3.5f && y[3] == 0);
    CHECK(y[4] == 4.5f && y[5] == 5.5f && y[6] == 6.5f && y[7] == 0 && y[8] == 77);
  }
}

static void scalars_and_tuples(void) {
  double product;
  uint8_t flag;
  int8_t next;
  CHECK(scalars(-3, 0.5, 1, -7, &product, &flag, &next, NULL) == 0);
  CHECK(product == 1.5 && flag == 0 && next == -6);
  CHECK(scalars(7, 2.0, 0, 127, &product, &flag, &next, NULL) == 0);
  CHECK(product == 14 && flag == 1 && next == -128);
  float sum, doubled[5];
  CHECK(several(kFive, &sum, doubled, NULL) == 0);
  CHECK(sum == 15 && doubled[4] == 10);
}

static void tensors(void) {
  float copy[5] = {0};
  CHECK(same(kFive, copy, NULL) == 0 && memcmp(copy, kFive, sizeof copy) == 0);
  int64_t sums[6], some[6] = {1, 2, 3, 4, 5, 6};
  CHECK(prefix_sums(some, sums, NULL) == 0 && sums[5] == 21 && some[5] == 6);
  CHECK(squares(-1, sums, NULL) == 0 && sums[4] == 16 && sums[5] == -1);
  const uint16_t halves[3] = {0x3c00, 0xc000, 0};
  const uint8_t flags[3] = {1, 0, 1};
  const int8_t bytes[3] = {0, -128, 5};
  uint16_t halves2[3];
  uint8_t flags2[3];
  int8_t bytes2[3];
  CHECK(small_types(halves, flags, bytes, halves2, flags2, bytes2, NULL) == 0);
  CHECK(halves2[0] == 0x4000 && halves2[1] == 0xc400 && halves2[2] == 0);
  CHECK(flags2[0] == 0 && flags2[1] == 1 && bytes2[0] == -1 && bytes2[1] == 127);
}

/* Memory at multiples of 64. */
static char memory[2][scaled_prepared_bytes + after_all_prepared_bytes + 64];
static char *aligned(int i) {
  return memory[i] + (64 - (uintptr_t)memory[i] % 64) % 64;
}

static void prepared(void) {
  static float x[60], w[800], b[40], scale[40], y[120], expected[120];
  for (int i = 0; i < 60; ++i) x[i] = (float)(i % 7 - 3);
  for (int i = 0; i < 800; ++i) w[i] = (float)(i * 5 % 11 - 5);
  for (int i = 0; i < 40; ++i) b[i] = (float)(i - 20), scale[i] = (float)(i % 3 + 1);
  for (int i = 0; i < 120; ++i) {
    float sum = b[i % 40];
    for (int k = 0; k < 20; ++k) sum += x[i / 40 * 20 + k] * w[k * 40 + i % 40];
    sum *= scale[i % 40] * 0.5f;
    expected[i] = sum > 0 ? sum : 0;
  }
  char *one = aligned(0), *other = aligned(1);
  CHECK(scaled_prepare(w, b, scale, 0.5f, one, scaled_prepared_bytes, NULL) == 0);
  memset(w, 0, sizeof w); /* it is not needed any more */
  for (int call = 0; call < 2; ++call) {
    CHECK(scaled(x, one, y, NULL) == 0);
    CHECK(memcmp(y, expected, sizeof y) == 0);
  }
  memcpy(other, one, scaled_prepared_bytes); /* it may be moved, and be kept in a file */
  CHECK(scaled(x, other, y, NULL) == 0 && memcmp(y, expected, sizeof y) == 0);

  struct tn_error error;
  CHECK(scaled_prepare(w, b, scale, 1, one + 4, scaled_prepared_bytes, &error) == -2 && error.code == -2);
  printf("%s\n", error.message);
  CHECK(scaled_prepare(w, b, scale, 1, other, scaled_prepared_bytes - 1, &error) == -2);
  CHECK(strstr(error.message, " are needed") != NULL);
  CHECK(scaled_prepare(w, b, scale, 1, NULL, scaled_prepared_bytes, &error) == -1);
  CHECK(scaled_prepare(w, NULL, scale, 1, other, scaled_prepared_bytes, &error) == -1);
  CHECK(scaled(x, other, y, NULL) == -2); /* what was there counts no more */
  CHECK(scaled(x, NULL, y, NULL) == -1);
  CHECK(scaled(x, one + 8, y, NULL) == -2);
  CHECK(scaled(x, one, NULL, NULL) == -1);
  const float five[5] = {1, 2, 3, 4, 5};
  CHECK(after_all_prepare(five, other, after_all_prepared_bytes, NULL) == 0);
  CHECK(after_all(kFive, other, y, NULL) == 0 && y[4] == 10);
  CHECK(after_all(kFive, one, y, &error) == -2);
  printf("%s\n", error.message);
}

static void errors(void) {
  struct tn_error error = {12, "before"};
  float x = 0;
  CHECK(pick(kFive, 4, &x, &error) == 0 && x == 5 && error.code == 12);
  CHECK(pick(kFive, 5, &x, &error) == 701 && error.code == 701);
  printf("%s\n", error.message);
  CHECK(pick(kFive, -1, &x, NULL) == 701);
  CHECK(pick(NULL, 0, &x, &error) == -1 && error.code == -1);
  printf("%s\n", error.message);
  CHECK(pick(kFive, 0, NULL, NULL) == -1);
  int64_t n = 0;
  CHECK(fibonacci(20, &n, &error) == 0 && n == 6765);
  CHECK(endless(0, &n, &error) == 705);
  printf("%s\n", error.message);
}

int main(void) {
  dense_anywhere();
  scalars_and_tuples();
  tensors();
  prepared();
  errors();
  CHECK(says(kFive, NULL) == 0);
  float total = 0;
  CHECK(sum_of_five(kFive, &total, NULL) == 0 && total == 15);
  puts(failures == 0 ? "all is as it should be" : "something is wrong");
  return failures != 0;
}
