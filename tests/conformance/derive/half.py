"""Makes the outputs of half_values, half_arithmetic, half_conversions and mixed_half_definitions.

f16 is NumPy's. bf16 is made here: a number is an exact Fraction, and rounding takes the nearest
multiple of the last place, ties to the even one.
"""
from fractions import Fraction
import math
import numpy as np
from tenon_text import float_text, line, record

f16, f32, f64 = np.float16, np.float32, np.float64


class Bf16:
    DIGITS, LOWEST, LARGEST = 8, -133, (Fraction(2) - Fraction(1, 128)) * 2**127

    def __init__(self, x):
        """x: a Fraction or a float."""
        self.negative = math.copysign(1, x) < 0 if isinstance(x, float) else x < 0
        self.value = x if isinstance(x, float) and not math.isfinite(x) else self.round(Fraction(x))

    def round(self, x):
        if x == 0:
            return Fraction(0)
        exponent = math.frexp(float(abs(x)))[1] - self.DIGITS
        place = Fraction(2) ** max(exponent, self.LOWEST)
        rounded = round(x / place) * place  # Python's round of a Fraction goes to even
        return rounded if abs(rounded) <= self.LARGEST else math.copysign(math.inf, x)

    def __str__(self):
        if not isinstance(self.value, Fraction):
            return "nan" if math.isnan(self.value) else ("-inf" if self.value < 0 else "inf")
        if self.value == 0:
            return "-0.0" if self.negative else "0.0"
        for digits in range(1, 20):
            text = "%.*e" % (digits - 1, abs(float(self.value)))
            if self.round(Fraction(text)) == abs(self.value):
                mantissa, exponent = text.split("e")
                return float_text(mantissa.replace(".", "").rstrip("0") or "0", int(exponent), self.negative)


def brain(x):
    return str(Bf16(x))


def half(x):
    """A Fraction as the nearest f16, rounded once."""
    low = f16(float(x))
    near = [np.nextafter(low, f16(-np.inf)), low, np.nextafter(low, f16(np.inf))]
    return min(near, key=lambda y: (abs(Fraction(float(y)) - x), int(y.view(np.uint16)) & 1))


b = [Bf16(Fraction(t)) for t in ("0.1", "3.14159", "1e38", "257", "1e-40")]
record("half_values",
       line(f16([0.1, 65504.0, 1e-7, 6e-8, 2049.0, -0.0])),
       "[" + ", ".join([str(x) for x in b] + ["-0.0"]) + "]",
       line(f16(1e6), brain(Fraction("3.4e38")), f16(-np.inf), f32(f16(0.1)), f32(b[0].value), f64(f16(0.1))))

a, c = f16(2048), f16(0.1)
t = f16([1, 2, 3])
record("half_arithmetic",
       line(a + f16(1), a + f16(3), a * f16(32), brain(Fraction(257)), brain(Fraction(259)),
            half(Fraction(2048, 3)), brain(Fraction(256, 3))),
       line(c + c + c, c * f16(3), c - f16(0.1), bool(c < f16(0.2)), -c, c, f16(0.5)),
       line(t / f16(3), t * t, t))

d = Fraction("1.000488282181322574615478515625")  # 2**-11 and a little more above 1
assert d == Fraction(float(d)) and Fraction("1.00048828125") == 1 + Fraction(1, 2**11)
t = [2.75, -2.75, 300.0, -300.0]
record("half_conversions",
       line(half(d), half(1 + Fraction(1, 2**11)), f16(f32(float(d))), brain(Fraction("1.00048828125"))),
       line([int(x) for x in t], [max(-128, min(127, int(x))) for x in t], [int(x) for x in t], [True] * 4),
       line(127, 0, f16(np.nan), brain(-math.inf), f16(np.inf)),
       line(f16(2048), brain(Fraction(1)), brain(Fraction("1.0009765625")), f16(1.0078125), 65504))

h = f16([0.5, 1.5, -2, 65504])
z = f16([0.5, 1.5, -2, 0.1]) + f16(1)
record("mixed_half_definitions",
       line(f16([0.1, 0.5, 1.5, -2]), f16([0.5, 2, 0, 65504]), np.minimum(h, f16(1)), f16(65504), 2),
       line(h + h, f32(h) * f32(2), f16(2.25), f16(2), True),
       line(z, f16(65504)))
