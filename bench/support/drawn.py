"""The numbers that workers compute on (bench/cpu/worker/worker.h), without NumPy, as a file has them."""

import struct

SIZES = {"f32": 4, "f16": 2, "bf16": 2}


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def drawn(count, seed, scale):
    """The first `count` of an input; its number is the seed. Products of two floats are exact in Python's."""
    scale = f32(scale)
    for i in range(count):
        h = (i * 2654435761 + seed * 40503) & 0xFFFFFFFF
        h ^= h >> 15
        h = h * 2246822519 & 0xFFFFFFFF
        h ^= h >> 13
        yield f32(f32((h >> 8) * 2 / 16777216 * scale) - scale)


def packed(dtype, numbers):
    """Rounded to nearest, of two that are as near to the even one."""
    numbers = list(numbers)
    if dtype != "bf16":
        return struct.pack(f"<{len(numbers)}{'f' if dtype == 'f32' else 'e'}", *numbers)
    bits = (struct.unpack("<I", struct.pack("<f", x))[0] for x in numbers)
    return struct.pack(f"<{len(numbers)}H", *((b + 0x7FFF + (b >> 16 & 1)) >> 16 for b in bits))
