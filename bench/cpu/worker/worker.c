/* What all workers share: the protocol, the inputs, the clock. */
#define _GNU_SOURCE
#include "worker.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int is_kind(const struct work *work, const char *kind) { return strcmp(work->kind, kind) == 0; }

/* Of one thread the processor's time counts, which others on the machine do not lengthen so much. */
static double now(void) {
  const char *threads = getenv("WORKER_THREADS");
  const int alone = threads != NULL && strcmp(threads, "1") == 0;
  struct timespec t;
  clock_gettime(alone ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* What peers define that need it. */
__attribute__((weak)) void fetch(struct work *work) { (void)work; }
__attribute__((weak)) double seconds_of(run_function run, struct work *work, long count) {
  const double start = now();
  for (long i = 0; i < count; ++i) run(work);
  return now() - start;
}

/* The same numbers in every language: bits of the index, mixed. */
static uint32_t mix(uint32_t i, uint32_t seed) {
  uint32_t h = i * 2654435761u + seed * 40503u;
  h ^= h >> 15;
  h *= 2246822519u;
  h ^= h >> 13;
  return h;
}

static float drawn(long i, uint32_t seed, float scale) {
  return (float)(mix((uint32_t)i, seed) >> 8) * (2.0f / 16777216.0f) * scale - scale;
}

static float *allocate(long size) {
  float *data = aligned_alloc(64, ((size_t)size * 4 + 4095) / 64 * 64);
  if (data == NULL) exit(3);
  memset(data, 0, (size_t)size * 4); /* so that the pages are there */
  return data;
}

static void release(struct work *work) {
  for (int i = 0; i < work->inputs; ++i) free(work->in[i]);
  free(work->out);
  memset(work, 0, sizeof *work);
}

/* "prepare KIND P … / SIZE:SCALE … / SIZE" */
static void read_work(char *line, struct work *work) {
  int section = 0, parameters = 0;
  char *rest = NULL, *word = strtok_r(line, " \n", &rest);
  for (word = strtok_r(NULL, " \n", &rest); word != NULL; word = strtok_r(NULL, " \n", &rest)) {
    if (strcmp(word, "/") == 0) {
      ++section;
    } else if (section == 0 && work->kind[0] == '\0') {
      strncpy(work->kind, word, sizeof work->kind - 1);
    } else if (section == 0 && parameters < kMaxParameters) {
      work->p[parameters++] = atol(word);
    } else if (section == 1 && work->inputs < kMaxInputs) {
      const int n = work->inputs++;
      const char *colon = strchr(word, ':');
      work->in_size[n] = atol(word);
      work->in[n] = allocate(work->in_size[n]);
      for (long i = 0; i < work->in_size[n]; ++i)
        work->in[n][i] = drawn(i, (uint32_t)n, colon != NULL ? (float)atof(colon + 1) : 1.0f);
    } else if (section == 2) {
      work->out_size = atol(word);
      work->out = allocate(work->out_size);
    }
  }
}

/* What tells results apart: a sum weighted at random, and how large its terms are. */
static void answer_ready(const struct work *work) {
  double sum = 0, magnitude = 0;
  for (long i = 0; i < work->out_size; ++i) {
    sum += work->out[i] * (double)drawn(i, 99, 1.0f);
    magnitude += fabs(work->out[i]);
  }
  printf("ready %.9g %.9g\n", sum, magnitude);
}

int main(void) {
  static struct work work;
  static char line[1 << 16];
  run_function run = NULL;
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strncmp(line, "prepare ", 8) == 0) {
      release(&work);
      read_work(line, &work);
      run = prepare(&work);
      if (run == NULL) {
        printf("cannot\n");
      } else {
        run(&work);
        fetch(&work);
        answer_ready(&work);
      }
    } else if (strncmp(line, "time ", 5) == 0 && run != NULL) {
      const long count = atol(line + 5);
      printf("took %.9g\n", seconds_of(run, &work, count));
    }
    fflush(stdout);
  }
  return 0;
}
