"""Computes what gpt2.tn prints with NumPy in f64, and compares: python3 check.py"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent))
from drawn import compare, normal

TOKENS, WIDTH, HEADS = 8, 16, 4


def dense(x, outputs, seed):
    inputs = x.shape[1]
    return x @ (normal((inputs, outputs), seed) / np.sqrt(inputs)) + 0.1 * normal(outputs, seed + 1)


def norm(x, seed):
    gain, bias = 1.0 + 0.1 * normal(WIDTH, seed), 0.1 * normal(WIDTH, seed + 1)
    return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) * gain + bias


def gelu(x):
    return 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))


def attend(x):
    q, k, v = (
        part.reshape(TOKENS, HEADS, -1).transpose(1, 0, 2)
        for part in np.split(dense(x, 3 * WIDTH, 20), 3, axis=1)
    )
    score = q @ k.transpose(0, 2, 1) / np.sqrt(WIDTH / HEADS)
    score[:, np.triu(np.ones((TOKENS, TOKENS), bool), 1)] = -np.inf
    weight = np.exp(score)
    mixed = weight / weight.sum(2, keepdims=True) @ v
    return dense(mixed.transpose(1, 0, 2).reshape(TOKENS, WIDTH), WIDTH, 30)


x = normal((TOKENS, WIDTH), 1)
h = x + attend(norm(x, 10))
y = h + dense(gelu(dense(norm(h, 40), 4 * WIDTH, 50)), WIDTH, 60)
compare(HERE / "gpt2.out", y[:, :4])
