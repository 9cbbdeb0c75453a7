#!/usr/bin/env node
// The worker of ONNX Runtime, as JavaScript calls it: weights are constants of the model, and it brings
// them into a form of its own when it loads it. NODE_PATH says where onnxruntime-node is.
'use strict';

let ort;
try {
  ort = require('onnxruntime-node');
} catch {
  process.exit(2);
}
if (process.argv.includes('--probe')) process.exit(0);
const {Model} = require('./onnx.js');

// ---- the inputs of worker.c

function drawn(count, seed, scale) {
  const out = new Float32Array(count), f = Math.fround;
  for (let i = 0; i < count; ++i) {
    let h = (Math.imul(i, 2654435761) + Math.imul(seed, 40503)) >>> 0;
    h = Math.imul(h ^ (h >>> 15), 2246822519) >>> 0;
    h = (h ^ (h >>> 13)) >>> 0;
    out[i] = f(f(f(h >>> 8) * f(2 / 16777216) * f(scale)) - f(scale));
  }
  return out;
}

// ---- the models: of parameters and inputs, of which the first is x

const rows = (p) => new Model(p);
const dense = (m, x, w, b, k, n) => m.op('Gemm', [x, m.floats(w, k, n), m.floats(b, n)]);
const norm = (m, x, g, b) => m.op('LayerNormalization', [x, m.floats(g, g.length), m.floats(b, b.length)],
                                  {axis: -1, epsilon: 1e-5});
const conv = (m, x, w, b, shape, stride, padding, group = 1) =>
  m.op('Conv', [x, m.floats(w, ...shape), m.floats(b, b.length)],
       {kernel_shape: shape.slice(2), strides: [stride, stride], pads: Array(4).fill(padding), group});

function gelu(approximate) {
  return (p, [, scale, shift]) => {
    const m = rows(p), scaled = m.op('Mul', ['x', m.floats(scale, p[1])]);
    return m.finish(m.op('Gelu', [m.op('Add', [scaled, m.floats(shift, p[1])])], {approximate}), p);
  };
}

function attend(m, q, k, v, size, mask) {
  let score = m.op('Mul', [m.op('MatMul', [q, k]), m.floats([size ** -0.5])]);
  if (mask) score = m.op('Add', [score, mask]);
  return m.op('MatMul', [m.op('Softmax', [score], {axis: -1}), v]);
}

function gpt2Block([t, d, h], [, g1, c1, wqkv, bqkv, wo, bo, g2, c2, wup, bup, wdown, bdown]) {
  const m = rows([t, d]), cut = m.whole(t, h, d / h);
  const split = m.op('Split', [dense(m, norm(m, 'x', g1, c1), wqkv, bqkv, d, 3 * d), m.whole(d, d, d)], {axis: -1}, 3);
  const [q, k, v] = split.map((part, i) =>
    m.op('Transpose', [m.op('Reshape', [part, cut])], {perm: i === 1 ? [1, 2, 0] : [1, 0, 2]}));
  const mask = new Float32Array(t * t).map((_, i) => (i % t > Math.floor(i / t) ? -1e9 : 0));
  const heads = m.op('Transpose', [attend(m, q, k, v, d / h, m.floats(mask, 1, t, t))], {perm: [1, 0, 2]});
  const x = m.op('Add', ['x', dense(m, m.op('Reshape', [heads, m.whole(t, d)]), wo, bo, d, d)]);
  const up = m.op('Gelu', [dense(m, norm(m, x, g2, c2), wup, bup, d, 4 * d)], {approximate: 'tanh'});
  return m.finish(m.op('Add', [x, dense(m, up, wdown, bdown, 4 * d, d)]), [t, d]);
}

function resnet18(_, inputs) {
  const m = rows([1, 3, 224, 224]), relu = (x) => m.op('Relu', [x]);
  let at = 1, channels = 64;
  const next = (x, i, o, k, stride) => {
    at += 2;
    return conv(m, x, inputs[at - 2], inputs[at - 1], [o, i, k, k], stride, k >> 1);
  };
  let x = m.op('MaxPool', [relu(next('x', 3, 64, 7, 2))], {kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]});
  for (let block = 0; block < 8; ++block) {
    const halves = block % 2 === 0 && block > 0, out = halves ? 2 * channels : channels;
    const y = next(relu(next(x, channels, out, 3, halves ? 2 : 1)), out, out, 3, 1);
    if (halves) x = next(x, channels, out, 1, 2);
    x = relu(m.op('Add', [x, y]));
    channels = out;
  }
  const flat = m.op('Flatten', [m.op('GlobalAveragePool', [x])]);
  return m.finish(dense(m, flat, inputs[at], inputs[at + 1], 512, 1000), [1, 1000]);
}

const MODELS = {
  product: ([m, n, k], [, w]) => { const g = rows([m, k]); return g.finish(g.op('MatMul', ['x', g.floats(w, k, n)]), [m, n]); },
  softmax: (p) => { const m = rows(p); return m.finish(m.op('Softmax', ['x'], {axis: -1}), p); },
  layer_norm: (p, [, g, b]) => { const m = rows(p); return m.finish(norm(m, 'x', g, b), p); },
  sum: (p) => { const m = rows(p); return m.finish(m.op('ReduceSum', ['x'], {keepdims: 1}), [1]); },
  gelu_tanh: gelu('tanh'),
  gelu_erf: gelu('none'),
  conv: ([c, h, w, o, k, s, p], [, weights, b]) => {
    const m = rows([1, c, h, w]), size = (n) => Math.floor((n + 2 * p - k) / s) + 1;
    return m.finish(conv(m, 'x', weights, b, [o, c, k, k], s, p), [1, o, size(h), size(w)]);
  },
  depthwise: ([c, h, w, k, s, p], [, weights, b]) => {
    const m = rows([1, c, h, w]), size = (n) => Math.floor((n + 2 * p - k) / s) + 1;
    return m.finish(conv(m, 'x', weights, b, [c, 1, k, k], s, p, c), [1, c, size(h), size(w)]);
  },
  mlp: ([batch], [, w1, b1, w2, b2, w3, b3]) => {
    const m = rows([batch, 784]), relu = (x) => m.op('Relu', [x]);
    const h = relu(dense(m, relu(dense(m, 'x', w1, b1, 784, 512)), w2, b2, 512, 256));
    return m.finish(dense(m, h, w3, b3, 256, 10), [batch, 10]);
  },
  gpt2_block: gpt2Block,
  resnet18,
};

// ---- the protocol of worker.h

let session = null, feeds = null;

async function prepare(line) {
  const [head, given] = line.split('/');
  const [, kind, ...parameters] = head.trim().split(/\s+/), p = parameters.map(Number);
  if (session) await session.release();
  session = null;
  if (!(kind in MODELS)) return 'cannot';
  const inputs = given.trim().split(/\s+/).map((word, n) => {
    const [size, scale] = word.split(':').map(Number);
    return drawn(size, n, scale);
  });
  session = await ort.InferenceSession.create(MODELS[kind](p, inputs), {
    intraOpNumThreads: Number(process.env.WORKER_THREADS), interOpNumThreads: 1, graphOptimizationLevel: 'all'});
  feeds = {x: new ort.Tensor('float32', inputs[0], session.inputMetadata[0].shape)};
  const out = (await session.run(feeds)).y.data, weights = drawn(out.length, 99, 1);
  let sum = 0, magnitude = 0;
  for (let i = 0; i < out.length; ++i) {
    sum += out[i] * weights[i];
    magnitude += Math.abs(out[i]);
  }
  return `ready ${sum} ${magnitude}`;
}

function now() {
  if (process.env.WORKER_THREADS !== '1') return Number(process.hrtime.bigint()) / 1e9;
  const {user, system} = process.cpuUsage();
  return (user + system) / 1e6;
}

async function time(count) {
  const start = now();
  for (let i = 0; i < count; ++i) await session.run(feeds);
  return `took ${now() - start}`;
}

(async () => {
  for await (const line of require('readline').createInterface({input: process.stdin})) {
    const answer = line.startsWith('prepare') ? await prepare(line).catch((e) => { console.error(e.message); return 'cannot'; })
                                              : await time(Number(line.split(' ')[1]));
    process.stdout.write(answer + '\n');
  }
})();
