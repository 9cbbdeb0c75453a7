/* Tenon: functions `run` that `tenon build` made. Which library, the environment says, as lines
 * `KIND-P1-P2…=LIBRARY:BYTES` of the file TENON_LIBRARIES. Where the library has a `run_prepare`, the inputs
 * behind the first are constant, and what it makes of them takes so many bytes. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

struct error {
  int32_t code;
  char message[508];
};
typedef int32_t (*function)(const void *, ...);

static function called, preparing;
static void *prepared;
static int64_t prepared_bytes;

static void check(int32_t status, const struct error *error) {
  if (status == 0) return;
  fprintf(stderr, "tenon: %s\n", error->message);
  exit(3);
}

/* The inputs behind the first, by how many there are in all. */
#define I(n) work->in[n]
#define BEHIND_2 I(1)
#define BEHIND_3 BEHIND_2, I(2)
#define BEHIND_4 BEHIND_3, I(3)
#define BEHIND_5 BEHIND_4, I(4)
#define BEHIND_6 BEHIND_5, I(5)
#define BEHIND_7 BEHIND_6, I(6)
#define BEHIND_11 BEHIND_7, I(7), I(8), I(9), I(10)
#define BEHIND_13 BEHIND_11, I(11), I(12)
#define BEHIND_43                                                                                       \
  BEHIND_13, I(13), I(14), I(15), I(16), I(17), I(18), I(19), I(20), I(21), I(22), I(23), I(24), I(25), \
      I(26), I(27), I(28), I(29), I(30), I(31), I(32), I(33), I(34), I(35), I(36), I(37), I(38), I(39), \
      I(40), I(41), I(42)

/* A call from C, with nothing in between; and what prepares the inputs behind the first for it. */
#define RUN(count)                                                             \
  static void run_##count(struct work *work) {                                 \
    struct error error;                                                        \
    check(called(I(0), BEHIND_##count, work->out, &error), &error);            \
  }                                                                            \
  static void prepare_##count(struct work *work) {                             \
    struct error error;                                                        \
    check(preparing(BEHIND_##count, prepared, prepared_bytes, &error), &error); \
  }
RUN(2) RUN(3) RUN(4) RUN(5) RUN(6) RUN(7) RUN(11) RUN(13) RUN(43)

static void run_1(struct work *work) {
  struct error error;
  check(called(I(0), work->out, &error), &error);
}
static void run_prepared(struct work *work) {
  struct error error;
  check(called(I(0), prepared, work->out, &error), &error);
}

static const struct {
  int inputs;
  run_function run, prepare;
} kRuns[] = {{1, run_1, NULL},
#define ROW(count) {count, run_##count, prepare_##count},
             ROW(2) ROW(3) ROW(4) ROW(5) ROW(6) ROW(7) ROW(11) ROW(13) ROW(43)};

/* Opens the functions of a library. */
static void open_library(const char *library) {
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return;
  }
  called = (function)dlsym(handle, "run");
  preparing = (function)dlsym(handle, "run_prepare");
}

/* Finds the library for the work in the list, and how much memory what it prepares takes. */
static void find(const struct work *work) {
  const char *list = getenv("TENON_LIBRARIES");
  FILE *file = list != NULL ? fopen(list, "r") : NULL;
  char line[4096], key[512];
  int length = snprintf(key, sizeof key, "%s", work->kind);
  for (int i = 0; i < kMaxParameters; ++i)
    length += snprintf(key + length, sizeof key - (size_t)length, "-%ld", work->p[i]);
  called = preparing = NULL;
  while (file != NULL && called == NULL && fgets(line, sizeof line, file) != NULL) {
    char *library = strchr(line, '='), *bytes = strrchr(line, ':');
    if (library == NULL || bytes == NULL) continue;
    *library++ = *bytes++ = '\0';
    if (strcmp(line, key) != 0) continue;
    prepared_bytes = strtoll(bytes, NULL, 10);
    open_library(library);
  }
  if (file != NULL) fclose(file);
}

run_function prepare(struct work *work) {
  find(work);
  if (called == NULL) return NULL;
  for (unsigned i = 0; i < sizeof kRuns / sizeof *kRuns; ++i) {
    if (kRuns[i].inputs != work->inputs) continue;
    if (preparing == NULL) return kRuns[i].run;
    prepared = aligned_alloc(64, (size_t)(prepared_bytes + 63) / 64 * 64);
    kRuns[i].prepare(work);
    return run_prepared;
  }
  return NULL;
}
