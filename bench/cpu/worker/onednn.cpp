// oneDNN: primitives made once. If the environment says PACKED=1, weights are brought into the
// layout that it wants beforehand, and images too (what a framework does with constant weights, and
// between its layers); else all is row-major.
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

const engine& cpu() {
  static const engine one(engine::kind::cpu, 0);
  return one;
}
stream& queue() {
  static stream one(cpu());
  return one;
}

void run(work*) {
  prepared->run.execute(queue(), prepared->arguments);
  queue().wait();
}

/// Data in the layout that a primitive wants.
memory in_layout(const memory& given, const memory::desc& wanted) {
  if (given.get_desc() == wanted) return given;
  memory moved(wanted, cpu());
  memory from = given;
  reorder(from, moved).execute(queue(), from, moved);
  queue().wait();
  return moved;
}

bool packs() {
  return std::getenv("PACKED") != nullptr;
}

void product(work* w) {
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

void softmax(work* w) {
  const memory::desc d({w->p[0], w->p[1]}, kFloat, Tag::ab);
  const softmax_forward::primitive_desc how({prop_kind::forward_inference, d, 1}, cpu());
  prepared = std::make_unique<Prepared>(Prepared{
      softmax_forward(how),
      {{DNNL_ARG_SRC, memory(d, cpu(), w->in[0])}, {DNNL_ARG_DST, memory(d, cpu(), w->out)}}});
}

void layer_norm(work* w) {
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

/// One image, with a bias; `groups` is 1 or the number of channels.
void convolution(work* w, memory::dim groups) {
  const long* p = w->p;
  const memory::dim C = p[0], H = p[1], W = p[2], O = groups == 1 ? p[3] : C,
                    K = p[groups == 1 ? 4 : 3], S = p[groups == 1 ? 5 : 4],
                    P = p[groups == 1 ? 6 : 5], OH = (H + 2 * P - K) / S + 1,
                    OW = (W + 2 * P - K) / S + 1;
  const memory::dims weights =
      groups == 1 ? memory::dims{O, C, K, K} : memory::dims{groups, 1, 1, K, K};
  const Tag weights_tag = groups == 1 ? Tag::oihw : Tag::goihw;
  const auto layout = [](const memory::dims& d, Tag tag) {
    return memory::desc(d, kFloat, packs() ? Tag::any : tag);
  };
  const memory::desc bias({O}, kFloat, Tag::x);
  const convolution_forward::primitive_desc how({prop_kind::forward_inference,
                                                 algorithm::convolution_direct,
                                                 layout({1, C, H, W}, Tag::nchw),
                                                 layout(weights, weights_tag),
                                                 bias,
                                                 layout({1, O, OH, OW}, Tag::nchw),
                                                 {S, S},
                                                 {P, P},
                                                 {P, P}},
                                                cpu());
  const memory x({{1, C, H, W}, kFloat, Tag::nchw}, cpu(), w->in[0]),
      given({weights, kFloat, weights_tag}, cpu(), w->in[1]);
  const memory y({{1, O, OH, OW}, kFloat, Tag::nchw}, cpu(), w->out);
  const bool same = y.get_desc() == how.dst_desc();
  prepared = std::make_unique<Prepared>(
      Prepared{convolution_forward(how),
               {{DNNL_ARG_SRC, in_layout(x, how.src_desc())},
                {DNNL_ARG_WEIGHTS, in_layout(given, how.weights_desc())},
                {DNNL_ARG_BIAS, memory(bias, cpu(), w->in[2])},
                {DNNL_ARG_DST, same ? y : memory(how.dst_desc(), cpu())}}});
  // The first run's result goes where it is compared.
  run(w);
  if (!same) {
    memory to = y;
    reorder(prepared->arguments[DNNL_ARG_DST], to)
        .execute(queue(), prepared->arguments[DNNL_ARG_DST], to);
    queue().wait();
  }
}

}  // namespace

run_function prepare(work* work) try {
  if (is_kind(work, "product"))
    product(work);
  else if (is_kind(work, "conv"))
    convolution(work, 1);
  else if (is_kind(work, "depthwise"))
    convolution(work, work->p[0]);
  else if (!packs() && is_kind(work, "softmax"))
    softmax(work);
  else if (!packs() && is_kind(work, "layer_norm"))
    layer_norm(work);
  else
    return nullptr;
  return run;
} catch (const error&) {
  return nullptr;
}
