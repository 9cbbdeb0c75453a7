#!/usr/bin/env python3
"""The worker of NumPy."""

import sys

try:
    import numpy as np
except ImportError:
    sys.exit(2)
from python_worker import serve


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


serve(lambda kind, p, x: KINDS[kind](p, x) if kind in KINDS else None)
