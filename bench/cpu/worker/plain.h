/* The parts of the plain loops: plain.c has rows and products, plain_networks.c and
 * plain_llama.c the rest. */
#ifndef TENON_BENCH_PLAIN_H
#define TENON_BENCH_PLAIN_H
#include "worker.h"

void plain_conv(struct work *w);
void plain_conv_batch(struct work *w);
void plain_depthwise(struct work *w);
void plain_mlp(struct work *w);
void plain_attention(struct work *w);
void plain_gpt2_block(struct work *w);
void plain_resnet18(struct work *w);
void plain_llama(struct work *w);
#endif
