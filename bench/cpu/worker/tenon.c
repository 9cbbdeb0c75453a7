/* Tenon: functions that `tenon build` made. Which library and which function, the environment says, as
 * `KIND-P1-P2…=LIBRARY:FUNCTION` lines of the file TENON_LIBRARIES. */
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

static function called;

static void check(int32_t status, const struct error *error) {
  if (status == 0) return;
  fprintf(stderr, "tenon: %s\n", error->message);
  exit(3);
}

/* One for each number of inputs: a call from C, with nothing in between. */
#define I(n) work->in[n]
#define RUN(count, ...)                                                        \
  static void run_##count(struct work *work) {                                 \
    struct error error;                                                        \
    check(called(__VA_ARGS__, work->out, &error), &error);                     \
  }
RUN(1, I(0))
RUN(2, I(0), I(1))
RUN(3, I(0), I(1), I(2))
RUN(4, I(0), I(1), I(2), I(3))
RUN(5, I(0), I(1), I(2), I(3), I(4))
RUN(6, I(0), I(1), I(2), I(3), I(4), I(5))
RUN(7, I(0), I(1), I(2), I(3), I(4), I(5), I(6))
RUN(11, I(0), I(1), I(2), I(3), I(4), I(5), I(6), I(7), I(8), I(9), I(10))
RUN(13, I(0), I(1), I(2), I(3), I(4), I(5), I(6), I(7), I(8), I(9), I(10), I(11), I(12))
RUN(43, I(0), I(1), I(2), I(3), I(4), I(5), I(6), I(7), I(8), I(9), I(10), I(11), I(12), I(13), I(14),
    I(15), I(16), I(17), I(18), I(19), I(20), I(21), I(22), I(23), I(24), I(25), I(26), I(27), I(28),
    I(29), I(30), I(31), I(32), I(33), I(34), I(35), I(36), I(37), I(38), I(39), I(40), I(41), I(42))

static const struct {
  int inputs;
  run_function run;
} kRuns[] = {{1, run_1}, {2, run_2}, {3, run_3}, {4, run_4}, {5, run_5},
             {6, run_6}, {7, run_7}, {11, run_11}, {13, run_13}, {43, run_43}};

static function open_function(const char *library, const char *name) {
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) fprintf(stderr, "%s\n", dlerror());
  return handle == NULL ? NULL : (function)dlsym(handle, name);
}

/* The function for the work, of the list; null if there is none. */
static function find(const struct work *work) {
  const char *list = getenv("TENON_LIBRARIES");
  FILE *file = list != NULL ? fopen(list, "r") : NULL;
  char line[4096], key[512];
  int length = snprintf(key, sizeof key, "%s", work->kind);
  for (int i = 0; i < kMaxParameters; ++i)
    length += snprintf(key + length, sizeof key - (size_t)length, "-%ld", work->p[i]);
  function found = NULL;
  while (file != NULL && found == NULL && fgets(line, sizeof line, file) != NULL) {
    char *library = strchr(line, '='), *name = strrchr(line, ':');
    if (library == NULL || name == NULL) continue;
    *library++ = *name++ = '\0';
    name[strcspn(name, "\n")] = '\0';
    if (strcmp(line, key) == 0) found = open_function(library, name);
  }
  if (file != NULL) fclose(file);
  return found;
}

run_function prepare(struct work *work) {
  called = find(work);
  if (called == NULL) return NULL;
  for (unsigned i = 0; i < sizeof kRuns / sizeof *kRuns; ++i)
    if (kRuns[i].inputs == work->inputs) return kRuns[i].run;
  return NULL;
}
