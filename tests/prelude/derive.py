#!/usr/bin/env python3
"""derive.py: what NumPy makes of the prelude's functions, as data that the programs here load.

Everything is computed in f64 from f32 inputs, by the definitions of the literature, and saved as f32.
"""
import math
import pathlib

import numpy as np

DATA = pathlib.Path(__file__).parent / "data"
rng = np.random.default_rng(2026)


def save(name, array):
    np.save(DATA / f"{name}.npy", np.asarray(array, dtype=np.float32))


def given(name, *shape, scale=2.0):
    """An input: saved as f32, and used just as saved."""
    x = (rng.standard_normal(shape) * scale).astype(np.float32)
    save(name, x)
    return x.astype(np.float64)


erf = np.vectorize(math.erf)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def activations():
    x = given("activation_x", 4, 25, scale=3.0)
    save("leaky_relu", np.where(x > 0, x, 0.1 * x))
    save("elu", np.where(x > 0, x, np.expm1(x)))
    save("sigmoid", sigmoid(x))
    save("softplus", np.log1p(np.exp(x)))
    save("silu", x * sigmoid(x))
    save("gelu", 0.5 * x * (1 + erf(x / math.sqrt(2))))
    save("gelu_tanh", 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


def statistics():
    x = given("statistics_x", 3, 4, 10)
    save("mean", x.mean())
    save("variance", x.var())
    save("mean_rows", x.mean(axis=-1))
    save("max_rows", x.max(axis=-1))
    save("norm", math.sqrt((x * x).sum()))
    save("cumsum", np.cumsum(x[0, 0]))


def norms():
    x, gain, bias = given("norm_x", 2, 3, 16), given("norm_gain", 16), given("norm_bias", 16)
    m, v = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    save("layer_norm", (x - m) / np.sqrt(v + 1e-5) * gain + bias)
    save("rms_norm", x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5) * gain)
    save("softmax", softmax(x))
    save("log_softmax", np.log(softmax(x)))
    image = given("image_x", 2, 3, 7, 6)
    mean, spread = given("channel_mean", 3), given("channel_gain", 3)
    variance = np.abs(given("channel_variance", 3)) + 0.5
    save("channel_variance", variance)
    variance = np.load(DATA / "channel_variance.npy").astype(np.float64)
    shift = given("channel_bias", 3)
    c = (None, slice(None), None, None)
    save("batch_norm", (image - mean[c]) / np.sqrt(variance[c] + 1e-5) * spread[c] + shift[c])
    return image


def windows(x, k, s, p, fill):
    """All k by k windows of the padded image, as [B, C, I, J, k, k]."""
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=fill)
    all_of_them = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))
    return all_of_them[:, :, ::s, ::s]


def convolution(image):
    w = given("conv_w", 4, 3, 3, 3, scale=0.5)
    for s, p in [(1, 0), (1, 1), (2, 1)]:
        save(f"conv2d_{s}{p}", np.einsum("bcijkl,ockl->boij", windows(image, 3, s, p, 0.0), w))
    save("max_pool2d", windows(image, 3, 2, 1, -np.inf).max(axis=(-1, -2)))
    save("avg_pool2d", np.nanmean(windows(image, 3, 2, 1, np.nan), axis=(-1, -2)))
    save("global_avg_pool2d", image.mean(axis=(2, 3)))


def losses():
    logits = given("logits", 5, 7)
    labels = np.array([0, 6, 3, 3, 1], dtype=np.int32)
    np.save(DATA / "labels.npy", labels)
    save("cross_entropy", -np.log(softmax(logits))[np.arange(5), labels].mean())
    p, t = sigmoid(given("bce_x", 20)).astype(np.float32), rng.random(20).astype(np.float32)
    save("bce_p", p), save("bce_t", t)
    p, t = p.astype(np.float64), t.astype(np.float64)
    save("bce", -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean())
    save("mse", ((p - t) ** 2).mean())


def attention():
    q, k, v = given("q", 2, 3, 5, 8), given("k", 2, 3, 5, 8), given("v", 2, 3, 5, 4)
    score = np.einsum("...id,...jd->...ij", q, k) / math.sqrt(8)
    save("attention", softmax(score) @ v)
    masked = np.where(np.tril(np.ones((5, 5))) > 0, score, -np.inf)
    save("causal_attention", softmax(masked) @ v)


DATA.mkdir(exist_ok=True)
activations()
statistics()
convolution(norms())
losses()
attention()
