#!/usr/bin/env python3
"""The polynomials of math.tn: python3 prelude/coefficients.py [NAME...] prints them (needs mpmath).

Each is the best approximation, of a smooth function on an interval: the
largest weighted error is as small as any polynomial of that degree can make it. Coefficients are
rounded to the type they are used in one after the other, lowest first, and what is left to choose is
chosen again after each, so that later ones make up for the rounding of earlier ones.
"""
import sys
from mpmath import atanh, cos, erf, erfc, exp, expm1, frexp, ldexp, linspace, log, log1p, lu_solve
from mpmath import matrix, mp, mpf, nint, pi, sin, sqrt, tanh

mp.prec = 240


def rounded(x, bits):
    """x to the nearest number of so many bits."""
    if x == 0:
        return mpf(0)
    mantissa, exponent = frexp(x)
    return ldexp(nint(ldexp(mantissa, bits)), exponent - bits)


def evaluate(coefficients, x):
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def best(f, weight, a, b, fixed, count):
    """The coefficients behind `fixed` that make the largest of |weight * (f - polynomial)| least.

    Lawson's algorithm: least squares, again and again, in which a point counts the more the larger the
    error there was before. (Remez' exchange wants a basis without common zeros; ours has one at 0.)
    """
    skip = len(fixed)
    size = 12 * count + 12
    points = [(a + b) / 2 - (b - a) / 2 * cos(pi * i / size) for i in range(size + 1)]
    scale = [weight(x) for x in points]
    wanted = [w * (f(x) - evaluate(fixed, x)) for x, w in zip(points, scale)]
    basis = [[w * x ** (skip + k) for k in range(count)] for x, w in zip(points, scale)]
    importance = [mpf(1)] * len(points)
    least = None
    for _ in range(20):
        system, right = matrix(count, count), matrix(count, 1)
        for row, y, i in zip(basis, wanted, importance):
            for j in range(count):
                right[j] += i * row[j] * y
                for k in range(count):
                    system[j, k] += i * row[j] * row[k]
        cs = list(lu_solve(system, right))
        errors = [abs(y - sum(c * r for c, r in zip(cs, row))) for row, y in zip(basis, wanted)]
        largest = max(errors)
        if least is None or largest < least[0]:
            least = largest, cs
        importance = [i * e / largest for i, e in zip(importance, errors)]
    return least[1]


def fit(f, weight, a, b, count, bits, fixed=()):
    """`count` rounded coefficients and log2 of the largest weighted error."""
    done = [mpf(c) for c in fixed]
    start = len(done)
    a, b = mpf(a), mpf(b)
    while len(done) < start + count:
        cs = best(f, weight, a, b, done, start + count - len(done))
        done.append(rounded(cs[0], bits))
    worst = max(abs(weight(x) * (f(x) - evaluate(done, x))) for x in linspace(a, b, 2000))
    return done, log(worst, 2)


TINY = ldexp(mpf(1), -70)  # stands for 0, where a quotient is not defined
LN2, ROOT2, QUARTER = log(mpf(2)), sqrt(mpf(2)), pi / 4
SLACK = mpf("1.001")  # reduced arguments leave their interval by a rounding


def away(x):
    return x if abs(x) > TINY else TINY


def of_square(g):
    """g, an even function of x, as a function of z = x * x."""
    return lambda z: g(sqrt(away(z)))


def stretched(x):
    """The polynomial of erf for large arguments is one in t = (x - 2) / (x + 2)."""
    return (x - 2) / (x + 2)


def unstretched(t):
    return 2 * (1 + t) / (1 - t)


# name: (function, weight, from, to, coefficients, bits). The weight makes the error of the polynomial the
# relative error of what is computed from it.
EXP = (lambda r: (expm1(away(r)) - away(r)) / away(r) ** 2, lambda r: r**2 / exp(r),
       -LN2 / 2 * SLACK, LN2 / 2 * SLACK)
SIN = (of_square(lambda r: (sin(r) - r) / r**3), of_square(lambda r: r**3 / sin(r)),
       mpf(0), (QUARTER * SLACK) ** 2)
COS = (of_square(lambda r: (cos(r) - 1 + r**2 / 2) / r**4), of_square(lambda r: r**4 / cos(r)),
       mpf(0), (QUARTER * SLACK) ** 2)
TANH = (of_square(lambda x: (tanh(x) - x) / x**3), of_square(lambda x: x**3 / tanh(x)),
        mpf(0), mpf("0.625") ** 2)
ERF = (of_square(lambda x: (erf(x) - x) / x), of_square(lambda x: x / erf(x)))
S_MAX = ((ROOT2 - 1) / (ROOT2 + 1) * SLACK) ** 2

POLYNOMIALS = {
    "exp_f32": (*EXP, 5, 24),
    "log_f32": (lambda f: (log1p(away(f)) - away(f) + away(f) ** 2 / 2) / away(f) ** 3,
                lambda f: abs(away(f) ** 3 / log1p(away(f))), 1 / ROOT2 - 1, ROOT2 - 1, 9, 24),
    "log2_f32": (lambda f: (log1p(away(f)) - away(f)) / LN2 / away(f) ** 2,
                 lambda f: abs(away(f) ** 2 * LN2 / log1p(away(f))), 1 / ROOT2 - 1, ROOT2 - 1, 10, 24),
    "sin_f32": (*SIN, 3, 24),
    "cos_f32": (*COS, 3, 24),
    "tanh_f32": (*TANH, 5, 24),
    "erf_f32": (*ERF, mpf(0), mpf("0.9375") ** 2, 7, 24),
    "erfc_f32": (lambda x: log(erfc(x)), lambda x: erfc(x) / erf(x), mpf("0.9375"), mpf(4), 8, 24),
    "pow_f32, log2": (of_square(lambda s: 2 * atanh(s) / s / LN2),
                      of_square(lambda s: s / atanh(s) / 2 * LN2), mpf(0), S_MAX, 7, 53),
    "pow_f32, exp2": (lambda r: exp(r * LN2), lambda r: exp(-r * LN2), mpf(-0.5), mpf(0.5), 8, 53),
    "exp_f64": (*EXP, 11, 53),
    "log_f64": (of_square(lambda s: 2 * (atanh(s) - s) / s**3),
                of_square(lambda s: s**3 / atanh(s) / 2), mpf(0), S_MAX, 7, 53),
    "sin_f64": (*SIN, 6, 53),
    "cos_f64": (*COS, 6, 53),
    "tanh_f64": (*TANH, 12, 53),
    "erf_f64": (*ERF, mpf(0), mpf("0.9375") ** 2, 14, 53),
    "erfc_f64": (lambda t: exp(unstretched(t) ** 2) * erfc(unstretched(t)),
                 lambda t: exp(-unstretched(t) ** 2) / erf(unstretched(t)),
                 stretched(mpf("0.9375")), stretched(mpf(6)), 16, 53),
    "pow_f64": (of_square(lambda s: 2 * (atanh(s) - s - s**3 / 3) / s**5),
                of_square(lambda s: s**5 / atanh(s) / 2), mpf(0), S_MAX, 8, 53),
}


def split(x, *bits):
    """x as a sum of numbers of so many bits each, the first the nearest."""
    parts = []
    for b in bits:
        parts.append(rounded(x - sum(parts), b))
    return parts


CONSTANTS = {
    "1/ln 2, f32": lambda: split(1 / LN2, 24, 24),
    "ln 2, f32": lambda: split(LN2, 15, 24),
    "1/ln 2, f64": lambda: split(1 / LN2, 53, 53),
    "ln 2, f64": lambda: split(LN2, 42, 53),
    "ln 2, two f64": lambda: split(LN2, 53, 53),
    "pi/2, three f64": lambda: split(pi / 2, 53, 53, 53),
    "2/pi, f64": lambda: split(2 / pi, 53),
    "2/3, two f64": lambda: split(mpf(2) / 3, 53, 53),
}


def digits(x, bits):
    """Decimal digits that read back as x."""
    n = 9 if bits == 24 else 17
    return mp.nstr(x, n, min_fixed=-4, max_fixed=4)


def two_over_pi():
    """2/pi as sin_f32 wants it: per range of exponents the bits from a weight on, in three parts."""
    for first, last in ((-150, 44), (45, 64), (65, 84), (85, 104), (105, 127)):
        top = 24 - max(first, 25)  # the weight of the first bit that counts
        rest = 2 / pi - ldexp(mp.floor(ldexp(2 / pi, -top - 1)), top + 1)
        parts = []
        for _ in range(2):
            top -= 29
            parts.append(ldexp(mp.floor(ldexp(rest, -top - 1)), top + 1))
            rest -= parts[-1]
        parts.append(rounded(rest, 53))
        print(f"  exponents {first} to {last}: " + ", ".join(digits(p, 53) for p in parts))


def words():
    """2/pi as sin_f64 wants it: 64 bits at a time, as signed integers."""
    for i in range(19):
        word = int(mp.floor(ldexp(2 / pi, 64 * (i + 1)))) % 2**64
        print(f"  {i:2}  {word - 2**64 if word >> 63 else word}")


def main():
    wanted = sys.argv[1:]
    for name, (f, weight, a, b, count, bits) in POLYNOMIALS.items():
        if wanted and not any(w in name for w in wanted):
            continue
        coefficients, error = fit(f, weight, a, b, count, bits)
        print(f"{name}: error 2^{float(error):.1f}")
        for k, c in enumerate(coefficients):
            print(f"  {k:2}  {digits(c, bits)}")
    for name, parts in CONSTANTS.items():
        if not wanted or any(w in name for w in wanted):
            print(f"{name}: " + ", ".join(digits(p, 24 if "f32" in name else 53) for p in parts()))
    if not wanted or "2/pi" in wanted:
        mp.prec = 2000
        print("2/pi in three parts:")
        two_over_pi()
        print("2/pi in words:")
        words()


main()
