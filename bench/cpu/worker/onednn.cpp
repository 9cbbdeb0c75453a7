// oneDNN: primitives made once, weights brought into the layout that it wants beforehand if the
// environment says PACKED=1 (what a framework does with constant weights), else left row-major.
#include <cstdlib>
#include <dnnl.hpp>
#include <memory>
#include <unordered_map>

#include "worker.h"

namespace {

using namespace dnnl;
using Tag = memory::format_tag;
constexpr auto kFloat = memory::data_type::f32;

struct Prepared {
  primitive run;
  std::unordered_map<int, memory> arguments;
};
std::unique_ptr<Prepared> prepared;

const engine &cpu() {
  static const engine one(engine::kind::cpu, 0);
  return one;
}
stream &queue() {
  static stream one(cpu());
  return one;
}

void run(work *) {
  prepared->run.execute(queue(), prepared->arguments);
  queue().wait();
}

/// Data in the layout that a primitive wants.
memory in_layout(const memory &given, const memory::desc &wanted) {
  if (given.get_desc() == wanted) return given;
  memory moved(wanted, cpu());
  memory from = given;
  reorder(from, moved).execute(queue(), from, moved);
  queue().wait();
  return moved;
}

bool packs() { return std::getenv("PACKED") != nullptr; }

void product(work *w) {
  const memory::dim M = w->p[0], N = w->p[1], K = w->p[2];
  const memory::desc a({M, K}, kFloat, Tag::ab), b({K, N}, kFloat, Tag::ab),
      any({K, N}, kFloat, Tag::any), c({M, N}, kFloat, Tag::ab);
  const matmul::primitive_desc how({a, packs() ? any : b, c}, cpu());
  const memory weights(b, cpu(), w->in[1]);
  prepared = std::make_unique<Prepared>(
      Prepared{matmul(how),
               {{DNNL_ARG_SRC, memory(a, cpu(), w->in[0])},
                {DNNL_ARG_WEIGHTS, in_layout(weights, how.weights_desc())},
                {DNNL_ARG_DST, memory(c, cpu(), w->out)}}});
}

void softmax(work *w) {
  const memory::desc d({w->p[0], w->p[1]}, kFloat, Tag::ab);
  const softmax_forward::primitive_desc how({prop_kind::forward_inference, d, 1}, cpu());
  prepared = std::make_unique<Prepared>(Prepared{softmax_forward(how),
                                                 {{DNNL_ARG_SRC, memory(d, cpu(), w->in[0])},
                                                  {DNNL_ARG_DST, memory(d, cpu(), w->out)}}});
}

void layer_norm(work *w) {
  const memory::desc d({w->p[0], w->p[1]}, kFloat, Tag::ab), v({w->p[1]}, kFloat, Tag::a);
  const layer_normalization_forward::primitive_desc how(
      {prop_kind::forward_inference, d, 1e-5f,
       normalization_flags::use_scale | normalization_flags::use_shift},
      cpu());
  prepared = std::make_unique<Prepared>(Prepared{layer_normalization_forward(how),
                                                 {{DNNL_ARG_SRC, memory(d, cpu(), w->in[0])},
                                                  {DNNL_ARG_SCALE, memory(v, cpu(), w->in[1])},
                                                  {DNNL_ARG_SHIFT, memory(v, cpu(), w->in[2])},
                                                  {DNNL_ARG_DST, memory(d, cpu(), w->out)}}});
}

}  // namespace

run_function prepare(work *work) try {
  if (is_kind(work, "product"))
    product(work);
  else if (!packs() && is_kind(work, "softmax"))
    softmax(work);
  else if (!packs() && is_kind(work, "layer_norm"))
    layer_norm(work);
  else
    return nullptr;
  return run;
} catch (const error &) {
  return nullptr;
}
