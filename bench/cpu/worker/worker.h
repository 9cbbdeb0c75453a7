/* A worker times one peer. run.py starts it and tells it, line by line, what to do:
 *
 *   prepare KIND P1 P2 … / SIZE:SCALE … / SIZE     inputs drawn, the peer asked; "ready SUM MAGNITUDE"
 *                                                  is what the first run gave, or "cannot"
 *   time COUNT                                     "took SECONDS" for so many runs
 *
 * So the workers of all peers take turns, and all compute on the same numbers. Sizes count floats;
 * an input's elements lie in [-SCALE, SCALE).
 */
#ifndef TENON_BENCH_WORKER_H
#define TENON_BENCH_WORKER_H

#ifdef __cplusplus
extern "C" {
#endif

enum { kMaxInputs = 64, kMaxParameters = 16 };

struct work {
  char kind[64];               /* product, softmax, …: workloads.py has them */
  long p[kMaxParameters];      /* what its kind says, M N K for a product */
  float *in[kMaxInputs];
  long in_size[kMaxInputs];
  int inputs;
  float *out;
  long out_size;
};

typedef void (*run_function)(struct work *);

/* A peer is a program with this function: how it does such work, or null if it does not. What it
 * brings into a form of its own here (packed weights) is not timed. */
run_function prepare(struct work *work);

/* For peers whose results do not lie in `out` after a run: brings them there. */
void fetch(struct work *work);

/* For peers that have a clock of their own: the seconds that so many runs take. */
double seconds_of(run_function run, struct work *work, long count);

/* Whether the work is of that kind. */
int is_kind(const struct work *work, const char *kind);

#ifdef __cplusplus
}
#endif
#endif
