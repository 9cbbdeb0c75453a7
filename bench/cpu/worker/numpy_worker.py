#!/usr/bin/env python3
"""The worker of NumPy; worker.h has the protocol."""

import os
import sys
import time

try:
    import numpy as np
except ImportError:
    sys.exit(2)


def mix(count, seed):
    h = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed * 40503)
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    return h ^ (h >> np.uint32(13))


def drawn(count, seed, scale):
    scale = np.float32(scale)
    return (mix(count, seed) >> np.uint32(8)).astype(np.float32) * np.float32(2 / 16777216) * scale - scale


def product(p, x):
    m, n, k = p
    a, b, out = x[0].reshape(m, k), x[1].reshape(k, n), np.empty((m, n), np.float32)
    return lambda: np.matmul(a, b, out=out)


def softmax(p, x):
    a = x[0].reshape(p)
    def run():
        e = np.exp(a - a.max(axis=-1, keepdims=True))
        e /= e.sum(axis=-1, keepdims=True)
        return e
    return run


def layer_norm(p, x):
    a = x[0].reshape(p)
    def run():
        centred = a - a.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        return centred / np.sqrt(variance + np.float32(1e-5)) * x[1] + x[2]
    return run


def total(p, x):
    return lambda: np.sum(x[0], keepdims=True)


def gelu_tanh(p, x):
    a, half, c, d = x[0].reshape(p), *(np.float32(v) for v in (0.5, 0.79788456, 0.044715))
    def run():
        v = a * x[1] + x[2]
        return half * v * (1 + np.tanh(c * (v + d * v * v * v)))
    return run


KINDS = {"product": product, "softmax": softmax, "layer_norm": layer_norm, "sum": total,
         "gelu_tanh": gelu_tanh}


def prepare(line):
    head, inputs, _ = line.split("/")
    kind, *parameters = head.split()[1:]
    if kind not in KINDS:
        return None
    arrays = [drawn(int(size), n, float(scale)) for n, (size, scale) in
              enumerate(word.split(":") for word in inputs.split())]
    return KINDS[kind](tuple(int(p) for p in parameters), arrays)


def main():
    if "--probe" in sys.argv:
        return
    now = time.process_time if os.environ.get("WORKER_THREADS") == "1" else time.perf_counter
    run = None
    for line in sys.stdin:
        if line.startswith("prepare"):
            run = prepare(line)
            if run is None:
                print("cannot", flush=True)
                continue
            out = run().ravel()
            weights = drawn(out.size, 99, 1).astype(np.float64)
            print(f"ready {float(out @ weights):.9g} {float(np.abs(out).sum(dtype=np.float64)):.9g}", flush=True)
        elif line.startswith("time"):
            count = int(line.split()[1])
            start = now()
            for _ in range(count):
                run()
            print(f"took {now() - start:.9g}", flush=True)


main()
