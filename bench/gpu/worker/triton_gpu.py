#!/usr/bin/env python3
"""The worker of Triton: kernels as its users write them, with tiles chosen by its own search."""

import sys

from gpu_python import serve_kinds, torch

try:
    import triton
    import triton.language as tl
except ImportError:
    sys.exit(2)


@triton.jit
def axpy_kernel(x, y, z, n, SIZE: tl.constexpr):
    at = tl.program_id(0) * SIZE + tl.arange(0, SIZE)
    inside = at < n
    tl.store(z + at, 2.5 * tl.load(x + at, inside) + tl.load(y + at, inside), inside)


@triton.jit
def softmax_kernel(x, y, columns, SIZE: tl.constexpr):
    at = tl.arange(0, SIZE)
    start = tl.program_id(0) * columns
    row = tl.load(x + start + at, at < columns, -float("inf"))
    e = tl.exp(row - tl.max(row, 0))
    tl.store(y + start + at, e / tl.sum(e, 0), at < columns)


@triton.jit
def layer_norm_kernel(x, gain, bias, y, columns, SIZE: tl.constexpr):
    at = tl.arange(0, SIZE)
    inside = at < columns
    start = tl.program_id(0) * columns
    row = tl.load(x + start + at, inside, 0.0)
    centred = tl.where(inside, row - tl.sum(row, 0) / columns, 0.0)
    scale = 1 / tl.sqrt(tl.sum(centred * centred, 0) / columns + 1e-5)
    tl.store(y + start + at, centred * scale * tl.load(gain + at, inside) + tl.load(bias + at, inside), inside)


TILES = [triton.Config({"BM": bm, "BN": bn, "BK": bk}, num_warps=warps, num_stages=stages)
         for bm, bn, bk, warps, stages in ((128, 256, 64, 8, 3), (128, 128, 64, 4, 4), (128, 128, 32, 4, 4),
                                           (64, 128, 32, 4, 4), (64, 64, 32, 4, 3))]


@triton.autotune(configs=TILES, key=["m", "n", "k"])
@triton.jit
def product_kernel(a, b, c, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    # Eight rows of tiles together, so that what one reads of b the next finds in the cache.
    tile, across, down = tl.program_id(0), tl.cdiv(n, BN), tl.cdiv(m, BM)
    group = tile // (8 * across)
    rows = min(down - group * 8, 8)
    row = (group * 8 + tile % rows) * BM + tl.arange(0, BM)
    column = (tile % (8 * across)) // rows * BN + tl.arange(0, BN)
    deep = tl.arange(0, BK)
    total = tl.zeros((BM, BN), tl.float32)
    for start in range(0, k, BK):
        left = tl.load(a + row[:, None] * k + (start + deep)[None, :],
                       (row[:, None] < m) & ((start + deep)[None, :] < k), 0.0)
        right = tl.load(b + (start + deep)[:, None] * n + column[None, :],
                        ((start + deep)[:, None] < k) & (column[None, :] < n), 0.0)
        total = tl.dot(left, right, total, input_precision="ieee")
    tl.store(c + row[:, None] * n + column[None, :], total.to(c.dtype.element_ty),
             (row[:, None] < m) & (column[None, :] < n))


ROWS = [triton.Config({"BM": bm, "BN": bn}, num_warps=warps, num_stages=stages)
        for bm, bn, warps, stages in ((128, 64, 8, 2), (128, 32, 8, 2), (64, 64, 4, 2), (64, 32, 4, 3), (32, 32, 4, 2))]


@triton.autotune(configs=ROWS, key=["t", "D"])
@triton.jit
def attention_kernel(q, k, v, out, t, scale, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    # Rows of a head's weights pass by in pieces; what is summed so far is scaled to the largest score seen.
    head = tl.program_id(1) * t * D
    row, column, deep = tl.program_id(0) * BM + tl.arange(0, BM), tl.arange(0, BN), tl.arange(0, D)
    query = tl.load(q + head + row[:, None] * D + deep[None, :], row[:, None] < t, 0.0)
    top = tl.full((BM,), -float("inf"), tl.float32)
    weights = tl.zeros((BM,), tl.float32)
    total = tl.zeros((BM, D), tl.float32)
    for start in range(0, t, BN):
        at = head + (start + column)[:, None] * D + deep[None, :]
        inside = (start + column)[:, None] < t
        score = tl.dot(query, tl.trans(tl.load(k + at, inside, 0.0)), input_precision="ieee") * scale
        score = tl.where((start + column)[None, :] < t, score, -float("inf"))
        higher = tl.maximum(top, tl.max(score, 1))
        weight = tl.exp(score - higher[:, None])
        again = tl.exp(top - higher)
        weights = weights * again + tl.sum(weight, 1)
        total = tl.dot(weight, tl.load(v + at, inside, 0.0), total * again[:, None], input_precision="ieee")
        top = higher
    tl.store(out + head + row[:, None] * D + deep[None, :], total / weights[:, None], row[:, None] < t)


def axpy(p, x, y):
    z = torch.empty_like(x)
    axpy_kernel[(triton.cdiv(p[0], 1024),)](x, y, z, p[0], SIZE=1024)
    return z


def softmax(p, x):
    y = torch.empty_like(x)
    softmax_kernel[(p[0],)](x, y, p[1], SIZE=triton.next_power_of_2(p[1]), num_warps=8)
    return y


def layer_norm(p, x, gain, bias):
    y = torch.empty_like(x)
    layer_norm_kernel[(p[0],)](x, gain, bias, y, p[1], SIZE=triton.next_power_of_2(p[1]), num_warps=8)
    return y


def product(p, a, b):
    m, n, k = p
    c = torch.empty(m * n, dtype=a.dtype, device=a.device)
    product_kernel[lambda tile: (triton.cdiv(m, tile["BM"]) * triton.cdiv(n, tile["BN"]),)](a, b, c, m, n, k)
    return c


def attention(p, q, k, v):
    h, t, d = p
    out = torch.empty_like(q)
    attention_kernel[lambda tile: (triton.cdiv(t, tile["BM"]), h)](q, k, v, out, t, d ** -0.5, D=d)
    return out


serve_kinds({"axpy": axpy, "softmax": softmax, "layer_norm": layer_norm, "product": product, "attention": attention})
