"""Makes the outputs of prelude_conv2d and prelude_pooling."""
import numpy as np
from tenon_text import line, record


def windows(x, size, step, pad, fill):
    """The windows of the last two axes, as [..., row, column, y, x]."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=fill)
    all_of_them = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
    return all_of_them[:, :, ::step, ::step]


def conv2d(x, w, step=1, pad=0):
    return np.einsum("bcijkl,ockl->boij", windows(x, w.shape[2], step, pad, 0), w)


b, c, h, v = np.indices((1, 2, 4, 4))
x = (c * 16 + h * 4 + v).astype(np.float32)
o, c2, k, l = np.indices((2, 2, 3, 3))
w = ((o + 1) * (k * 3 + l - 4 * c2)).astype(np.float32)
record("prelude_conv2d",
       line(conv2d(x, w)), line(conv2d(x, w, pad=1)), line(conv2d(x, w, 2, 1)), line(conv2d(x, w, 2)))


def max_pool(x, size, step, pad=0):
    return windows(x, size, step, pad, -np.inf).max(axis=(4, 5))


def avg_pool(x, size, step, pad=0):
    return np.nanmean(windows(x, size, step, pad, np.nan), axis=(4, 5), dtype=np.float32)


x = ((h * 4 + v) * (1 - 2 * c)).astype(np.float32)
record("prelude_pooling",
       line(max_pool(x, 2, 2)), line(avg_pool(x, 2, 2)), line(max_pool(x, 3, 1)),
       line(avg_pool(x, 2, 2, 1), max_pool(x, 2, 2, 1)))
