/* OpenBLAS and BLIS, through the interface that both have. A product with one row goes to sgemv, which
 * is what their callers would write. */
#include <cblas.h>
#include <stddef.h>

#include "worker.h"

static void product(struct work *w) {
  const int M = (int)w->p[0], N = (int)w->p[1], K = (int)w->p[2];
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, 1, w->in[0], K, w->in[1], N, 0,
              w->out, N);
}

static void vector_product(struct work *w) {
  const int N = (int)w->p[1], K = (int)w->p[2];
  cblas_sgemv(CblasRowMajor, CblasTrans, K, N, 1, w->in[1], N, w->in[0], 1, 0, w->out, 1);
}

run_function prepare(struct work *work) {
  if (!is_kind(work, "product")) return NULL;
  return work->p[0] == 1 ? vector_product : product;
}
