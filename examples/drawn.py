"""For the examples' check.py: uniform[…](seed) and normal[…](seed) of prelude/random.tn in NumPy (the same
numbers but for the rounding of log and cos), and a comparison with the numbers that a program printed."""

import pathlib
import re

import numpy as np


def _mixed(n):
    n = (n ^ (n >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    n = (n ^ (n >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return n ^ (n >> np.uint64(31))


def _fractions(shape, seed, shift):
    with np.errstate(over="ignore"):
        position = np.arange(1, np.prod(shape) + 1, dtype=np.uint64)
        start = _mixed(np.array([seed], np.uint64))
        bits = _mixed(start + position * np.uint64(0x9E3779B97F4A7C15))
    return ((bits >> np.uint64(shift)) & np.uint64(0xFFFFFF)).reshape(shape) / 2.0**24


def uniform(shape, seed):
    return _fractions(shape, seed, 40)


def normal(shape, seed):
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(shape, seed)))
    return radius * np.cos(2.0 * np.pi * _fractions(shape, seed, 8))


def compare(out, *expected):
    """Compares all numbers of a file of outputs with what NumPy gives, and says how far they are apart."""
    words = re.findall(r"-?\d+\.\d+(?:e[-+]\d+)?", pathlib.Path(out).read_text())
    got = np.array([float(word) for word in words])
    want = np.concatenate([np.ravel(part) for part in expected])
    assert got.shape == want.shape, f"{got.size} numbers in {out}, {want.size} expected"
    gap = np.max(np.abs(got - want) / np.maximum(1.0, np.abs(want)))
    print(f"{got.size} numbers agree" if gap < 1e-5 else f"they differ by up to {gap:.1e}")
    raise SystemExit(int(gap >= 1e-5))
