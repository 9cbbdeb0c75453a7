"""Computes what resnet.tn prints with NumPy in f64, and compares: python3 check.py"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent))
from drawn import compare, normal, uniform

IMAGES, CHANNELS, SIZE = 2, 4, 8


def conv2d(x, w, stride, padding):
    kernel = w.shape[2]
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
    return np.tensordot(windows[:, :, ::stride, ::stride], w, ([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)


def layer(inputs, outputs, kernel, seed):
    w = normal((outputs, inputs, kernel, kernel), seed) * np.sqrt(2.0 / (inputs * kernel**2))
    mean = 0.1 * normal(outputs, seed + 1)
    variance = 0.5 + uniform(outputs, seed + 2)
    gain = 1.0 + 0.1 * normal(outputs, seed + 3)
    bias = 0.1 * normal(outputs, seed + 4)

    def apply(x, stride, padding):
        centred = conv2d(x, w, stride, padding) - mean[:, None, None]
        return centred * (gain / np.sqrt(variance + 1e-5))[:, None, None] + bias[:, None, None]

    return apply


def relu(x):
    return np.maximum(x, 0)


def block(x, first, second, stride, around):
    return relu(second(relu(first(x, stride, 1)), 1, 1) + around)


x = normal((IMAGES, CHANNELS, SIZE, SIZE), 1)
y = block(x, layer(CHANNELS, CHANNELS, 3, 10), layer(CHANNELS, CHANNELS, 3, 20), 1, x)
around = layer(CHANNELS, 2 * CHANNELS, 1, 50)(y, 2, 0)
z = block(y, layer(CHANNELS, 2 * CHANNELS, 3, 30), layer(2 * CHANNELS, 2 * CHANNELS, 3, 40), 2, around)
compare(HERE / "resnet.out", y.mean(), z.mean(), z[0, 0], z[-1, -1])
