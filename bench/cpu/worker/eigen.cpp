// Eigen: products of row-major matrices.
#include <Eigen/Dense>

#include "worker.h"

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void product(work* w) {
  const Eigen::Map<Matrix> a(w->in[0], w->p[0], w->p[2]), b(w->in[1], w->p[2], w->p[1]);
  Eigen::Map<Matrix>(w->out, w->p[0], w->p[1]).noalias() = a * b;
}

}  // namespace

run_function prepare(work* work) {
  return is_kind(work, "product") ? product : nullptr;
}
