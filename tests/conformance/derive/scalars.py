"""Makes the outputs of ints_floor_division, ints_shifts, literals_context, floats_to_integers,
floats_from_integers, floats_rounding, floats_fma, floats_bits, mixed_long_sums,
mixed_shifts_and_masks and mixed_float_widths."""
from fractions import Fraction
import struct
import numpy as np
from tenon_text import line, record

f32, f64, i8, i32, i64 = np.float32, np.float64, np.int8, np.int32, np.int64


def wrap(n, width):
    n &= (1 << width) - 1
    return n - (1 << width) if n >> (width - 1) else n


def rounded(x, kind):
    """An exact Fraction as the nearest float of that kind (f32 by way of integers, ties to even)."""
    if kind is f64:
        return f64(x.numerator / x.denominator)  # Python rounds a quotient of integers correctly
    low = f32(x.numerator / x.denominator)
    near = [np.nextafter(low, f32(-np.inf)), low, np.nextafter(low, f32(np.inf))]
    return min(near, key=lambda y: (abs(Fraction(float(y)) - x), int(y.view(np.uint32)) & 1))


# ---- integers; Python's // and % round toward minus infinity as the language's do
t = [-128, -127, -1, 1, 127]
x, y = -7, 3
record("ints_floor_division",
       line(7 // 2, -7 // 2, 7 // -2, -7 // -2),
       line(7 % 2, -7 % 2, 7 % -2, -7 % -2),
       line(x // y, x % y, x // -y, x % -y, -x // y, -x % y, -x // -y, -x % -y),
       line(0 // y, 0 % -y, -6 // y, -6 % y, 6 % -y, 1 // -y, 1 % -y),
       line([a // 5 for a in t], [a % 5 for a in t], [a // -7 for a in t], [a % -7 for a in t]))


def shl(a, n, w): return wrap(a << (n % w), w)
def shr(a, n, w): return a >> (n % w)
def ushr(a, n, w): return wrap((a & ((1 << w) - 1)) >> (n % w), w)


low, b, c, w = -8, -128, 3, 1
record("ints_shifts",
       line(shl(1, 31, 32), shl(1, 32, 32), shl(1, 33, 32), shl(1, -1, 32), shl(low, 1, 32)),
       line(*(shr(low, n, 32) for n in (1, 31, 32, 35, -1))),
       line(ushr(low, 1, 32), ushr(low, 31, 32), ushr(low, 32, 32), ushr(1, 1, 32)),
       line(shl(c, 6, 8), shl(c, 7, 8), shl(c, 8, 8), shl(c, 9, 8), shr(b, 7, 8), ushr(b, 7, 8),
            ushr(b, 1, 8), shr(b, 8, 8)),
       line(shl(w, 63, 64), shl(w, 64, 64), shl(w, 65, 64), ushr(-w, 1, 64), shr(-w, 63, 64)))

y, tenth, s = f64(0.1) + f64(0.2), f64(0.1), f32(0.1)
record("literals_context",
       line(-128, -128, -2, -2**31),
       line(2**31, y, f32(0.1) + f32(0.2), f64(0.1) + f64(0.2), f64(0.1), f32(0.1)),
       line(3000000000, tenth, s, bool(f64(s) == tenth), bool(y * tenth == y * f64(0.1))),
       line(-128, i8([-128, 2]), -128))

# ---- conversions


def to_int(x, width):
    if np.isnan(x):
        return 0
    top = 2 ** (width - 1)
    return max(-top, min(top - 1, int(x) if np.isfinite(x) else (top if x > 0 else -top)))


t = [f32(v) for v in (2.75, -2.75, 0.99, -0.99, 300, -300, np.nan, np.inf, -np.inf)]
u = [f32(v) for v in (2147483648.0, -2147483648.0, 3e9, -3e9, 1e19, -1e19)]
record("floats_to_integers",
       *(line([to_int(v, width) for v in t]) for width in (8, 32, 64)),
       line([to_int(v, 32) for v in u], [to_int(v, 64) for v in u]),
       line(2, -2, True, True, False),
       line(int(9007199254740993.0), 2147483647, 2147483647, -128))

ints = [16777216, 16777217, 16777219, -16777217, 2147483647]
longs = [9007199254740993, 2**63 - 1, -2**63]
record("floats_from_integers",
       line(np.array([rounded(Fraction(n), f32) for n in ints])),
       line(np.array([f64(n) for n in ints])),
       line(np.array([rounded(Fraction(n), f64) for n in longs]),
            np.array([rounded(Fraction(n), f32) for n in longs])),
       line(f32(1), f64(0), f32([1, 0])))

# ---- rounding
t = f32([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.25, -0.25])
d = f64([2251799813685249.5, -0.5, 1e300])
record("floats_rounding",
       line(np.rint(t)), line(np.floor(t)), line(np.ceil(t)),
       line(np.rint(d), np.floor(d), np.ceil(d)),
       line(f32(2.5), f32(0), f32(1.5), f32(0.5), f32(np.nan), f32(-0.0)))

a, d = f32(1.000244140625), f64(1.0000000074505806)
record("floats_fma",
       line(rounded(Fraction(float(a)) ** 2 - 1, f32), f32(10)),
       line(rounded(Fraction(float(a)) ** 2, f32)),
       line(rounded(Fraction(float(d)) ** 2 - 1, f64)),
       line(f32([3.5, 0.0])))

# ---- bits


def bits32(x): return struct.unpack("<i", struct.pack("<f", x))[0]
def bits64(x): return struct.unpack("<q", struct.pack("<d", x))[0]


record("floats_bits",
       line(bits32(1.0), bits32(-0.0), bits32(0.1), bits32(-2.5)),
       line(bits64(1.0), bits64(0.1)),
       line(f32(1), f32(1e-45), f32(np.inf), f32(-0.0)),
       line(f64(1), np.nextafter(f64(1), f64(2))),
       line(True, f32(0.3), [bits32(1.0), bits32(2.0)]))

# ---- many additions
i = np.arange(70000)
x = i % 256 - 128
factorial = 1
for n in range(1, 21):
    factorial *= n
total = sum(range(100000))
record("mixed_long_sums",
       line(wrap(total, 32), wrap(total, 32), total),
       line(int(x.sum()), wrap(int(x.sum()), 8), int(x.max()), int(x.argmin()), wrap(factorial, 32)))

# ---- hashes and widths


def xor32(a, n): return wrap(a ^ ushr(a, n, 32), 32)


def mix(x):
    h = wrap(xor32(x, 16) * -2048144789, 32)
    return xor32(wrap(xor32(h, 13) * -1028477387, 32), 16)


def step(s):
    x = wrap(s ^ shl(s, 13, 64), 64)
    x = wrap(x ^ ushr(x, 7, 64), 64)
    return wrap(x ^ shl(x, 17, 64), 64)


states = [88172645463325252]
for _ in range(3):
    states.append(step(states[-1]))
record("mixed_shifts_and_masks",
       line([mix(x) for x in (0, 1, 2, -1, 2147483647)]),
       *(line(s) for s in states[1:]),
       line([mix(x) & 255 for x in range(4)], [shl(1, 3, 32), shl(2, 31, 32)], [-1 >> 4, -256 >> 4]))

a, b, x, y, one, d = f32(0.1), f64(0.1), f32(16777216), f64(16777217), f32(1), f64(1)
t = f64([0.1, 0.7])
record("mixed_float_widths",
       line(f64(a), True, False, bool(f64(a) - b > 0), a + f32(0.2), b + f64(0.2)),
       line(x, y, True, f32(y), f32(y + 1)),
       line(one / f32(3), d / f64(3), f64(one / f32(3)), f32(d / 3), np.sqrt(f32(2)), np.sqrt(f64(2))),
       line(f32(t), f64(f32(t)), t * 10.0))
