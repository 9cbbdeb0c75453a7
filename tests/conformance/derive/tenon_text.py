"""How the language page says that values print, written once more, from the page alone.

show(value) takes a Python bool or int, a NumPy scalar or array, or a Bf16 list; record(name, lines)
writes right/NAME.out. Scripts that import this say at their head which outputs they make.
"""
import os
import numpy as np

np.seterr(all="ignore")
RIGHT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "right")


def float_text(digits, exponent, negative):
    """0.d1d2... form is ours: the value is d1.d2d3... * 10**exponent."""
    if exponent < -4 or exponent >= 16:
        text = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + "e%+03d" % exponent
    elif exponent < 0:
        text = "0." + "0" * (-exponent - 1) + digits
    elif len(digits) <= exponent + 1:
        text = digits + "0" * (exponent + 1 - len(digits)) + ".0"
    else:
        text = digits[: exponent + 1] + "." + digits[exponent + 1 :]
    return ("-" if negative else "") + text


def show_float(x):
    if np.isnan(x):
        return "nan"
    if np.isinf(x):
        return "inf" if x > 0 else "-inf"
    if x == 0:
        return "-0.0" if np.signbit(x) else "0.0"
    text = np.format_float_scientific(abs(x), unique=True, trim="-")
    mantissa, exponent = text.split("e")
    return float_text(mantissa.replace(".", ""), int(exponent), x < 0)


def show_scalar(x):
    if isinstance(x, (bool, np.bool_)):
        return "true" if x else "false"
    if isinstance(x, (int, np.integer)):
        return str(int(x))
    if isinstance(x, str):
        return x
    if isinstance(x, float):
        x = np.float64(x)
    return show_float(x)


def show(value):
    array = np.asarray(value) if not isinstance(value, str) else value
    if isinstance(value, str) or array.ndim == 0:
        return show_scalar(value if isinstance(value, str) else array[()])
    if array.size == 0:
        return "[]"
    elide = array.size > 1000

    def rows(part, depth):
        if part.ndim == 0:
            return show_scalar(part[()])
        count = part.shape[0]
        kept = list(range(count))
        if elide and count > 6:
            kept = [0, 1, 2, None, count - 3, count - 2, count - 1]
        texts = ["..." if i is None else rows(part[i], depth + 1) for i in kept]
        if part.ndim == 1:
            return "[" + ", ".join(texts) + "]"
        return "[" + (("," + "\n" * (part.ndim - 1) + " " * (depth + 1)).join(texts)) + "]"

    return rows(array, 0)


def line(*values):
    return " ".join(show(v) for v in values)


def record(name, *lines):
    with open(os.path.join(RIGHT, name + ".out"), "w") as out:
        out.write("".join(text + "\n" for text in lines))
